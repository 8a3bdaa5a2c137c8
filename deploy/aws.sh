#!/usr/bin/env bash
# Deploys the gateway stack on AWS, using only the AWS command line.
#
#   deploy/aws.sh deploy [Name=Value]...      create or update the stack; Name: a parameter of gateway.yaml
#   deploy/aws.sh deploy --dry-run [...]      show the change set without applying it
#   deploy/aws.sh outputs                     the endpoint and the queues
#   deploy/aws.sh send [BODY]                 POST a test message to the endpoint (curl) and show the answer
#   deploy/aws.sh delete [--dry-run] [--yes]  delete the stack; the queues remain, unless it was deployed with
#                                             QueueDeletion=Delete; then --yes confirms that messages are lost
#
#   --stack NAME   the stack's name (poller)
#
# Region, profile and credentials come from the AWS command line: AWS_REGION, AWS_PROFILE and so on. In an update,
# parameters that are not given keep their values.
set -euo pipefail

template=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/cloudformation/gateway.yaml
stack=poller
dry_run=
yes=
words=()
export AWS_PAGER=

usage() {
  sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | sed '$d; s/^# \{0,1\}//'
}

fail() {
  echo "aws.sh: $*" >&2
  exit 1
}

cloudformation() {
  aws cloudformation "$@"
}

# Version 1 of the command line takes AWS_ENDPOINT_URL for every service but SQS.
sqs() {
  aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} sqs "$@"
}

# Everything that can be known to be missing is said before anything is asked to change.
check() {
  local region answer
  command -v aws >/dev/null || fail "the AWS command line is not installed (https://aws.amazon.com/cli)"
  region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  [ -n "$region" ] || fail "no region: set AWS_REGION, or AWS_PROFILE to a profile that has one"
  export AWS_REGION=$region AWS_DEFAULT_REGION=$region
  answer=$(aws sts get-caller-identity --query Account --output text 2>&1) ||
    fail "no valid credentials: set AWS_PROFILE, or log in (aws sso login); $(tr -s '\n' ' ' <<<"$answer")"
  echo "account $answer, region $region, stack $stack" >&2
}

status() {
  cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus' --output text 2>/dev/null || true
}

output() { # NAME
  cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue | [0]"
}

parameter() { # NAME; None where the stack has no such parameter, nothing where there is no stack
  cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue | [0]" 2>/dev/null || true
}

must_exist() {
  case $(status) in
    '') fail "there is no stack $stack in $AWS_REGION; deploy/aws.sh deploy makes it" ;;
    REVIEW_IN_PROGRESS) fail "the stack $stack was never made: it has only a change set" ;;
  esac
}

deploy() {
  local before log change_set word path
  before=$(status)
  for word in "${words[@]}"; do
    if [[ $word == Path=* ]] && [[ $before == *_COMPLETE ]]; then
      path=$(parameter Path)
      # A stack of before Path was a parameter serves /example.
      [ "$path" != None ] || path=example
      [ "$word" = "Path=$path" ] ||
        fail "Path cannot be changed, the API would go on serving /$path: deploy a stack of another name (--stack NAME)"
    fi
  done
  [ "$before" != ROLLBACK_COMPLETE ] || fail "the stack $stack could not be made the last time; delete it first: deploy/aws.sh delete --stack $stack"
  set -- --template-file "$template" --stack-name "$stack" --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset
  [ ${#words[@]} -eq 0 ] || set -- "$@" --parameter-overrides "${words[@]}"
  if [ -z "$dry_run" ]; then
    cloudformation deploy "$@" >&2
    outputs
    return
  fi
  log=$(cloudformation deploy "$@" --no-execute-changeset)
  change_set=$(grep -o 'arn:[^ ]*:changeSet/[^ ]*' <<<"$log" | head -n 1) || true
  if [ -z "$change_set" ]; then
    echo "nothing would change"
    return
  fi
  cloudformation describe-change-set --change-set-name "$change_set" --output table \
    --query 'Changes[].ResourceChange.{Action: Action, Resource: LogicalResourceId, Type: ResourceType, Replaced: Replacement}'
  cloudformation delete-change-set --change-set-name "$change_set"
  # A change set for a stack that does not exist leaves an empty one behind.
  [ "$(status)" != REVIEW_IN_PROGRESS ] || cloudformation delete-stack --stack-name "$stack"
}

outputs() {
  must_exist
  cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]' --output text
}

send() {
  local url body answer code
  must_exist
  command -v curl >/dev/null || fail "curl is not installed; POST to the Endpoint of deploy/aws.sh outputs by other means"
  url=$(output Endpoint)
  # An emulator answers at its own address, not at the name that API Gateway would give.
  if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
    url=$(sed -E "s|^https://([^.]+)\.[^/]*/|$AWS_ENDPOINT_URL/_aws/execute-api/\1/|" <<<"$url")
  fi
  body=${words[0]-"{\"test\":\"sent by deploy/aws.sh\"}"}
  answer=$(curl -sS --max-time 35 -H 'Content-Type: application/json' --data-raw "$body" -w '\n%{http_code}' "$url") ||
    fail "no answer from $url"
  code=${answer##*$'\n'}
  echo "$code $(tr -d '\n' <<<"${answer%$'\n'*}")"
  [ "$code" = 202 ]
}

# Visible, in flight and delayed messages of one queue; fails if that cannot be told.
messages() { # OUTPUT
  local url name count total=0
  url=$(output "$1") || return
  if [ "$url" != None ]; then # a stack that was never complete has no outputs
    for name in ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesDelayed; do
      count=$(sqs get-queue-attributes --queue-url "$url" --attribute-names "$name" --query "Attributes.$name" --output text) || return
      total=$((total + count))
    done
  fi
  echo "$total"
}

delete() {
  local queue dead kept='' url
  [ -n "$(status)" ] || fail "there is no stack $stack in $AWS_REGION"
  queue=$(messages QueueUrl) || queue="an unknown number of"
  dead=$(messages DeadLetterQueueUrl) || dead="an unknown number of"
  case $(parameter QueueDeletion) in
    Retain*) kept="$(output QueueUrl) $(output DeadLetterQueueUrl)" ;;
  esac
  [ "$kept" != "None None" ] || kept=
  if [ -n "$dry_run" ]; then
    cloudformation describe-stack-resources --stack-name "$stack" --output table \
      --query 'StackResources[].{Resource: LogicalResourceId, Type: ResourceType}'
    if [ -n "$kept" ]; then
      echo "the queues would stay, with $queue messages in the queue and $dead in the dead-letter queue"
      return
    fi
    echo "messages lost: $queue in the queue, $dead in the dead-letter queue"
    return
  fi
  if [ -z "$kept" ] && [ "$queue$dead" != 00 ] && [ -z "$yes" ]; then
    fail "$queue messages in the queue and $dead in the dead-letter queue would be lost; to delete them too, add --yes"
  fi
  cloudformation delete-stack --stack-name "$stack"
  cloudformation wait stack-delete-complete --stack-name "$stack"
  echo "deleted: $stack"
  for url in $kept; do
    echo "kept: $url"
  done
}

verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
  case $1 in
    --stack)
      [ $# -gt 1 ] || fail "--stack needs a name"
      stack=$2
      shift
      ;;
    --dry-run) dry_run=1 ;;
    --yes) yes=1 ;;
    -h | --help) usage && exit ;;
    -*)
      [ "$verb" = send ] || fail "unknown option $1; deploy/aws.sh -h shows them"
      words+=("$1")
      ;;
    *) words+=("$1") ;;
  esac
  shift
done

case $verb in
  deploy)
    for word in "${words[@]}"; do
      [[ $word == [A-Za-z]*=* ]] || fail "$word: a parameter is written Name=Value"
    done
    ;;
  send) [ ${#words[@]} -lt 2 ] || fail "send takes one body; quote it" ;;
  outputs | delete) [ ${#words[@]} -eq 0 ] || fail "$verb takes no ${words[0]}" ;;
  -h | --help) usage && exit ;;
  *) usage >&2 && exit 2 ;;
esac
check
"$verb"
