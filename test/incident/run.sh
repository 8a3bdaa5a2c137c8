#!/bin/bash
# The run that docs/incident.md tells of, in ten minutes on one machine: POLLER=path/to/poller test/incident/run.sh
# It prints each command, what it answers, and what the page says. With SCREENSHOTS=docs/incident and Chromium it makes
# the pictures in docs/incident.md: the top of the page at each step.
set -u
here=$(cd "$(dirname "$0")" && pwd)
poller=${POLLER:-poller}
work=$(mktemp -d)
read -r sqs target admin < <(python3 -c "
import socket
taken = [socket.create_server((\"127.0.0.1\", 0)) for _ in range(3)]
print(*[s.getsockname()[1] for s in taken])")
export AWS_ENDPOINT_URL_SQS=http://127.0.0.1:$sqs AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$work/token"
export POLLER_CONTROL_TOKEN=@$work/token POLLER_LISTEN=127.0.0.1:$admin
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

began=$(date +%s)
at() { while [ $(($(date +%s) - began)) -lt "$1" ]; do sleep 0.2; done; }
since() { printf '%d:%02d' $((($(date +%s) - began) / 60)) $((($(date +%s) - began) % 60)); }
page() {
  echo "--- $(since) the page"
  curl -s "http://127.0.0.1:$admin/status.json" | python3 -c '
import json, sys
s = json.load(sys.stdin)
q, t = s["queues"][0], s["targets"][0]
print(s["verdict"]["text"])
print("   waiting %s, held %s, delivered %s/s, gate %s" % ((q["depth"] or {}).get("visible"), q["in_hand"]["held"], round(q["delivered_per_second"], 1), t["gate"]["state"]))
for c in s["causes"]: print("   cause: %s %s %s, %d times" % (c["outcome"], c.get("status", ""), c["reason"], c["count"]))'
  if [ -n "${SCREENSHOTS:-}" ] && [ -n "${1:-}" ]; then
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1000,860 --virtual-time-budget=4000 \
      --screenshot="$SCREENSHOTS/$1.png" "http://127.0.0.1:$admin/" > /dev/null 2>&1
  fi
}
run() { echo "--- $(since) \$ poller $*"; "$poller" "$@"; echo "    (exit $?)"; }

"$poller" localsqs --listen 127.0.0.1:"$sqs" --queue orders --max-receive-count 5 > /dev/null &
python3 "$here/partner.py" "$target" "$work/down" "$work/fixed" &
sleep 1
seq 8000 | awk '{ print $1 % 500 ? "{\"order\":" $1 "}" : "{\"order\":" $1 ",\"bad\":true}" }' |
  "$poller" send --queue orders --rate 20/s - > /dev/null &
"$poller" run --queue orders --target http://127.0.0.1:"$target"/orders --rate 28/s --on-rejected dead-letter \
  --log-format json 2> "$work/log" &
at 60; page 1-well
at 61; touch "$work/down"; echo "--- $(since) the partner goes away"
at 75; page
run held | head -5
at 120; page 2-down
at 150; run pause --for 10m --by ada
at 155; page
at 200; page 3-paused
at 210; rm "$work/down"; echo "--- $(since) the partner is back, and asks for 10 a second at first"
run resume --by ada
run pace --rate 10/s --for 1m --by ada
at 225; page
at 265; page 4-slow
at 280; page
at 420; page 5-behind
run peek --queue orders-dlq --max 3
run redrive --from orders-dlq --reason 422 --dry-run
touch "$work/fixed"; echo "--- $(since) the partner takes these orders now"
run redrive --from orders-dlq --reason 422 --rate 5/s --ramp 10s
at 560; page 6-over
echo "--- the log, without its debug lines"
python3 -c '
import json, sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    print(e.pop("time")[11:19], e.pop("level"), e.pop("msg"), {k: v for k, v in e.items() if k in ("action", "changed", "by", "from", "for", "reason", "held", "message_id", "outcome", "failures")})' "$work/log"
