# Sourced by the run.sh of tests that need Go programs, or the templates' Python.
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

# python_tools: the Python that the tests of templates run on, with cfn-lint, the AWS command line and what else they
# import, installed if need be. It is one environment, so that cfn-lint is installed once.
python_tools() {
  local folder=$cache/templates-venv-1
  if ! [ -e "$folder/.installed" ]; then
    echo "installing cfn-lint, boto3, the AWS command line, JSONata and OpenTelemetry (PyPI)" >&2
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install -q --no-input cfn-lint==1.51.0 boto3==1.43.11 awscli==1.45.11 pyyaml==6.0.3 \
      jsonata-python==0.7.1 opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2 >&2
    touch "$folder/.installed"
  fi
  PATH=$folder/bin:$PATH
}
