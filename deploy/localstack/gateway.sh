#!/bin/sh
# LocalStack runs this once it is ready (/etc/localstack/init/ready.d): it deploys gateway.yaml through CloudFormation,
# as on AWS, and writes the endpoint's address as seen from this machine.
#
#   GATEWAY_STACK       the stack's name (orders): the queues are orders-queue and orders-dlq
#   GATEWAY_PARAMETERS  parameters of the template: "VisibilityTimeout=20 MaxReceiveCount=3"
#   GATEWAY_ADDRESS     where LocalStack is published
set -eu
stack=${GATEWAY_STACK:-orders}
address=${GATEWAY_ADDRESS:-http://127.0.0.1:4566}
url=/tmp/gateway.url

rm -f "$url"
parameters=
for parameter in ${GATEWAY_PARAMETERS:-}; do
  parameters="$parameters ParameterKey=${parameter%%=*},ParameterValue=${parameter#*=}"
done
# The parameters are words: no quotes.
# shellcheck disable=SC2086
awslocal cloudformation create-stack --stack-name "$stack" --template-body file:///etc/poller/gateway.yaml \
  --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND ${parameters:+--parameters $parameters} --output text
# The command line's own wait polls only every 30 s.
while :; do
  status=$(awslocal cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus' --output text)
  case $status in
    CREATE_COMPLETE) break ;;
    CREATE_IN_PROGRESS) sleep 0.5 ;;
    *)
      echo "The stack $stack is $status:" >&2
      awslocal cloudformation describe-stack-events --stack-name "$stack" --output text \
        --query "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]" >&2
      exit 1
      ;;
  esac
done

# On AWS the endpoint is https://ID.execute-api.REGION.amazonaws.com/STAGE/example. Here the path
# identifies the API, which needs no DNS.
endpoint=$(awslocal cloudformation describe-stacks --stack-name "$stack" \
  --query "Stacks[0].Outputs[?OutputKey=='Endpoint'].OutputValue" --output text)
api=${endpoint#https://}
path=${api#*/}
echo "$address/_aws/execute-api/${api%%.*}/$path" >"$url.new"
mv "$url.new" "$url"

echo
echo "The gateway is ready. Requests go to the queue, and from there to the downstream at its pace:"
echo "  curl -H 'Content-Type: application/json' -d '{\"order\":1}' $(cat "$url")"
