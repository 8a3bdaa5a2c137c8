#!/usr/bin/env bash
# Proves the gateway stack: the template, the stack on LocalStack, a fuzz through it, its mapping templates in a real
# Velocity engine, deploy/aws.sh, and the trace of a request from its POST to the target, in a real OpenTelemetry
# collector. Installs what it needs (Go, PyPI, Debian). Closes with "N passed, N failed".
#
#   test/gateway/run.sh                  everything
#   test/gateway/run.sh test_fuzz        one part: test_template, test_velocity, test_stack, test_fuzz, test_script, test_trace
#
#   GATEWAY_SEED    replays a fuzz (the seed is printed)
#   GATEWAY_BODIES  how many bodies are made from the seed, beside the fixed ones (600)
#   POLLER_SHARED   the folder with localstack/start.sh (../shared beside the checkout)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/tool.sh
. "$here/../tool.sh"
python_tools
velocity=/usr/share/java/velocity.jar

missing=()
command -v shellcheck >/dev/null || missing+=(shellcheck)
command -v curl >/dev/null || missing+=(curl)
command -v javac >/dev/null || missing+=(default-jdk-headless)
[ -e "$velocity" ] || missing+=(velocity)
[ -e /usr/share/java/gson.jar ] || missing+=(libgoogle-gson-java)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]} (Debian)" >&2
  { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >&2
fi

if [[ " ${*:-test_trace} " == *" test_trace"* ]]; then
  collector=$cache/collector-$(cat "$here"/collector/* | cksum | cut -d ' ' -f 1)
  if ! [ -x "$collector/collector" ]; then
    echo "building the OpenTelemetry collector" >&2
    (cd "$here/collector" && go build -p 1 -o "$collector/" .)
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$here/../.." && go build -o "$work/poller" ./cmd/poller)
  PATH=$collector:$work:$PATH
fi

export PATH
GATEWAY_CLASSPATH=$(printf '%s:' /usr/share/java/{velocity,commons-collections3,commons-lang,gson}.jar)
export GATEWAY_CLASSPATH PYTHONDONTWRITEBYTECODE=1
python3 "$here/../parts.py" "$here" "$@"
