# Sourced by the run.sh of tests that need Go programs.
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-$HOME/.cache}/poller

# tool NAME VERSION PACKAGE: a Go program, built if need be. One compile at a time: the large ones need the memory.
tool() {
  local folder=$cache/$1-$2
  if ! [ -x "$folder/$1" ]; then
    echo "building $1 $2" >&2
    GOBIN=$folder go install -p 1 "$3@$2" >&2
  fi
  PATH=$folder:$PATH
}
