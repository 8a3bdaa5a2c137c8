#!/usr/bin/env bash
# Proves what poller is run by on AWS and Kubernetes: the CloudFormation workers, the chart, the kustomize base, and the
# daemon with the arguments, variables and files that they give it. Installs what it needs (Go, PyPI). Closes with
# "N passed, N failed".
#
#   test/manifests/run.sh                 everything
#   test/manifests/run.sh test_chart      one part: test_workers, test_schedule, test_chart, test_kustomize, test_daemon, test_containers
#   test/manifests/run.sh update          writes what is made from something else: the chart's schema of settings and
#                                         rules, and the kustomize base
#
#   POLLER_SHARED   the folder with docker/engine.sh and docker/images.sh (../shared beside the checkout), which give an
#                   engine and stand-ins for images, for test_containers. Without it: the engine that runs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source=test/tool.sh
. "$root/test/tool.sh"
tool helm v3.22.0 helm.sh/helm/v3/cmd/helm
tool kustomize v5.8.2 sigs.k8s.io/kustomize/kustomize/v5
python_tools

if [ "${1:-}" = update ]; then
  PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/update.py"
fi

shared=${POLLER_SHARED:-$root/../shared}
if [[ " ${*:-test_containers} " == *" test_containers"* ]] && [ -x "$shared/docker/engine.sh" ]; then
  "$shared/docker/engine.sh" >&2
  "$shared/docker/images.sh" golang distroless >&2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && go build -p 1 -o "$work/" ./decode ./calls)
(cd "$root" && go build -o "$work/poller" ./cmd/poller)
export PATH=$work:$PATH PYTHONDONTWRITEBYTECODE=1
python3 "$here/../parts.py" "$here" "$@"
