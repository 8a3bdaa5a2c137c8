#!/usr/bin/env bash
# Proves one budget over real processes: poller run, on real servers, through every fault of docs/fleet.md. The starts
# are counted where they arrive. Installs what it needs (as root: Debian's redis-server and gcc; Valkey comes from
# Debian's backports into ${XDG_CACHE_HOME:-$HOME/.cache}/poller, for whatever suite this is).
#
#   test/fleet/run.sh            every fault twice, on Redis and on Valkey: about 40 minutes
#   test/fleet/run.sh -short     every kind of fault once, on one of the two each: for CI
#
# Further arguments go to go test: -run Promotion -v -count 1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" -eq 0 ] || { echo "run.sh: missing here, install as root: ${missing[*]}" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Valkey, unpacked and not installed: no service starts, and the machine's package sources stay as they are. Its
# libraries are those of redis-server.
valkey=${XDG_CACHE_HOME:-$HOME/.cache}/poller/valkey-bookworm-backports
if ! command -v valkey-server >/dev/null && ! [ -x "$valkey/usr/bin/valkey-server" ]; then
  # From where the machine gets Debian: its mirror, if it has one. Without package lists apt does not tell.
  # shellcheck disable=SC2016 # apt fills it in
  debian() { apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p; }
  [ -n "$(debian)" ] || apt-get update -qq
  site=$(debian)
  [ -n "$site" ] || { echo "run.sh: apt has no source of Debian's packages here: install valkey-server" >&2; exit 1; }
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  mkdir -p "$tmp/sources" "$tmp/lists/partial" "$tmp/debs"
  printf '%s\n' "Types: deb" "URIs: $site" "Suites: bookworm-backports" "Components: main" \
    "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" >"$tmp/sources/backports.sources"
  apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$tmp/sources" -o "Dir::State::lists=$tmp/lists"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$tmp/debs" && "${apt[@]}" download valkey-server valkey-tools)
  for deb in "$tmp"/debs/*.deb; do dpkg-deb -x "$deb" "$tmp/root"; done
  "$tmp/root/usr/bin/valkey-server" --version >&2
  mkdir -p "$(dirname "$valkey")"
  mv -T "$tmp/root" "$valkey"
fi
export PATH=$PATH:$valkey/usr/bin

# Stages mostly wait, so many run side by side; the tests of the pace run before them, alone.
form=(-count=2 -parallel 10)
for argument in "$@"; do
  case $argument in -short | -test.short) form=(-count=1 -parallel 20) ;; esac
done
exec go test -tags fleet -timeout 90m "${form[@]}" "$@" ./test/fleet
