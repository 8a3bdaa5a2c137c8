#!/usr/bin/env bash
# Makes a release of this tree as far as it can be made without publishing it, and proves what is in it: archives, images,
# checksums, what the binaries are made of, the chart, and `go install`. Installs what it needs (Go). Closes with
# "N passed, N failed".
#
#   test/release/run.sh
#
#   POLLER_SHARED   the folder with docker/engine.sh and docker/images.sh (../shared beside the checkout), which give an
#                   engine and stand-ins for images where there are none. Without it: the engine that runs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source=test/tool.sh
. "$root/test/tool.sh"
tool goreleaser v2.15.1 github.com/goreleaser/goreleaser/v2
tool cyclonedx-gomod v1.10.0 github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
tool helm v3.22.0 helm.sh/helm/v3/cmd/helm

shared=${POLLER_SHARED:-$root/../shared}
if [ -x "$shared/docker/engine.sh" ]; then
  "$shared/docker/engine.sh" >&2
  "$shared/docker/images.sh" distroless >&2
  # The base by architecture, as its registry has it. It holds no program, so that one's files are the other's.
  base=gcr.io/distroless/static-debian12:nonroot
  docker tag $base $base-amd64
  container=$(docker create $base /none)
  docker export "$container" | docker import --platform linux/arm64 --change 'USER 65532' - $base-arm64 >/dev/null
  docker rm "$container" >/dev/null
fi
docker info >/dev/null 2>&1 || { echo "run.sh: no Docker engine answers; start it, or set POLLER_SHARED" >&2; exit 1; }

# Where a release is made from: a clone of the published repository. Only the commits are in it.
work=$(mktemp -d)
images=ghcr.io/sqs-poller/poller
trap 'rm -rf "$work"; docker images -q "$images:*-snapshot-*" | sort -u | xargs -r docker rmi -f >/dev/null' EXIT
git clone -q --no-hardlinks "$root" "$work"
git -C "$work" remote set-url origin https://github.com/sqs-poller/poller
git -C "$root" diff --quiet HEAD || echo "uncommitted changes are not in this release" >&2
(cd "$work" && goreleaser check && goreleaser release --snapshot --clean) >&2
RELEASE=$work PYTHONDONTWRITEBYTECODE=1 python3 "$here/../parts.py" "$here" "$@"
