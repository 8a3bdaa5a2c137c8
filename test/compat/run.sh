#!/bin/sh
# Checks the embedded SQS server with boto3 and the AWS command line, at the
# versions in requirements.txt, as their users have them.
#
#   test/compat/run.sh               checks `poller localsqs`
#   SQS_ENDPOINT=URL test/compat/run.sh   checks another server
#
# Needs Python 3.10 or later with venv. Prints "N passed, N failed"; exit 1 if
# any failed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(cksum <"$here/requirements.txt" | cut -d ' ' -f 1)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/poller/compat-$version
if [ ! -e "$venv/ready" ]; then
	rm -rf "$venv"
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
	touch "$venv/ready"
fi
if [ -z "${SQS_ENDPOINT:-}" ]; then
	bin=$(mktemp -d)
	trap 'rm -rf "$bin"' EXIT
	(cd "$here/../.." && go build -o "$bin/poller" ./cmd/poller)
	export POLLER_BINARY="$bin/poller"
fi
PATH="$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/compat.py" "$@"
