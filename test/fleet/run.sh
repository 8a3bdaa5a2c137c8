#!/usr/bin/env bash
# Proves one budget over real processes: poller run, on real servers, through the faults of docs/fleet.md. The starts are
# counted where they arrive. Installs what it needs (Debian's redis-server, as root).
#
#   test/fleet/run.sh            every fault, on each server that is here: redis-server, valkey-server
#   test/fleet/run.sh -short     no fault, a crash, a stop and an outage of the coordinator: for CI
#
# Further arguments go to go test: -run Promotion -v
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" -eq 0 ] || { echo "run.sh: missing here, install as root: ${missing[*]}" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
exec go test -count=1 -tags fleet -timeout 30m "$@" ./test/fleet
