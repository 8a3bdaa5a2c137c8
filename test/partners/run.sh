#!/usr/bin/env bash
# The worker against partners that limit what they take, as they are in the field: nginx and express-rate-limit. Needs
# Go, Python 3.10 or later, nginx and npm (Debian: nginx-light npm); installs the rest from npm. Closes with
# "N passed, N failed".
#
#   test/partners/run.sh                                      all of it, about a minute
#   test/partners/run.sh test_partners.Partners.test_NAME     one test
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
modules=${XDG_CACHE_HOME:-$HOME/.cache}/poller/partners-$(cksum <"$here/package.json" | cut -d ' ' -f 1)
if ! [ -e "$modules/.installed" ]; then
  echo "installing express-rate-limit (npm)" >&2
  rm -rf "$modules"
  mkdir -p "$modules"
  cp "$here/package.json" "$modules/"
  (cd "$modules" && npm install --silent --no-audit --no-fund >&2)
  touch "$modules/.installed"
fi
cp "$here/partner.mjs" "$modules/"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here/../.." && go build -o "$work/poller" ./cmd/poller)
export PARTNERS_POLLER=$work/poller PARTNERS_MODULES=$modules PYTHONDONTWRITEBYTECODE=1
python3 "$here/../parts.py" "$here" "$@"
