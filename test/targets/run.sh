#!/usr/bin/env bash
# Proves the formats and signatures of targets with the parts that others wrote: Lambda's runtime interface emulator,
# awslambdaric and Powertools; Flask and Express; the CloudEvents SDKs; the Standard Webhooks libraries; botocore; and
# oidc-provider. Installs them from PyPI, npm and the Go proxy. Closes with "N passed, N failed".
#
#   test/targets/run.sh                everything
#   test/targets/run.sh test_lambda    one part: test_lambda, test_sqsd, test_cloudevents, test_webhook, test_sigv4, test_oauth2
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/poller
emulator=v0.0.0-20261030222936-bef5c4ba774d

rie=$cache/aws-lambda-rie-$emulator
[ -x "$rie/aws-lambda-rie" ] ||
  GOBIN=$rie go install -p 1 "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@$emulator" >&2

venv=$cache/targets-venv-$(cksum <"$here/requirements.txt" | cut -d ' ' -f 1)
if ! [ -e "$venv/.installed" ]; then
  echo "installing awslambdaric, Powertools, Flask and others (PyPI)" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --no-input --disable-pip-version-check -r "$here/requirements.txt" >&2
  touch "$venv/.installed"
fi

modules=$cache/targets-npm-$(cksum <"$here/package.json" | cut -d ' ' -f 1)
if ! [ -e "$modules/.installed" ]; then
  echo "installing oidc-provider, Express and others (npm)" >&2
  rm -rf "$modules"
  mkdir -p "$modules"
  cp "$here/package.json" "$modules"
  (cd "$modules" && npm install --no-audit --no-fund --no-package-lock --silent >&2)
  touch "$modules/.installed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$root" && go build -o "$work/poller" ./cmd/poller)
cp "$here"/*.mjs "$work" # where Node finds the modules beside them
ln -s "$modules/node_modules" "$work/node_modules"
export PATH=$work:$rie:$venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 RECEIVER=$work/receiver.mjs
python3 "$here/../parts.py" "$here" "$@"
