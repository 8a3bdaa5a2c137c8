"""The AWS command line, as a user types it.

Version 1 of it takes no endpoint of SQS from the environment in the regions
that SQS began with, us-east-1 among them; hence --endpoint-url.
"""

import json
import os
import subprocess
import sys

from harness import DEFAULTS, NO_QUEUE, check, equal, true

AWS = os.path.join(os.path.dirname(sys.executable), "aws")


def alone(variables):
    """An environment with no other settings of AWS than variables."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing = {
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
    }
    return {**mine, **nothing, **variables}


def aws(b, *words, fails=None):
    """Runs `aws sqs …`; gives its answer, or checks that it fails with that code."""
    run = subprocess.run(
        [AWS, "sqs", *words, "--endpoint-url", b.endpoint],
        env=alone(DEFAULTS), capture_output=True, text=True, timeout=60,
    )
    if fails:
        true(run.returncode != 0 and f"({fails})" in run.stderr, f"{words}: {run.stdout} {run.stderr}")
        return None
    equal((run.returncode, run.stderr), (0, ""))
    return json.loads(run.stdout) if run.stdout.strip() else None


@check
def cli_create_and_find(b):
    name = b.name()
    url = aws(b, "create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=5")["QueueUrl"]
    equal(aws(b, "get-queue-url", "--queue-name", name)["QueueUrl"], url)
    aws(b, "create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=6", fails="QueueAlreadyExists")


@check
def cli_list(b):
    prefix = b.name("-")
    for i in range(3):
        b.sqs.create_queue(QueueName=f"{prefix}{i}")
    got = aws(b, "list-queues", "--queue-name-prefix", prefix, "--page-size", "2")
    equal(len(got["QueueUrls"]), 3)


@check
def cli_attributes(b):
    url = b.queue()
    aws(b, "set-queue-attributes", "--queue-url", url, "--attributes", "DelaySeconds=2")
    got = aws(b, "get-queue-attributes", "--queue-url", url, "--attribute-names", "DelaySeconds", "QueueArn")
    equal(got["Attributes"]["DelaySeconds"], "2")


@check
def cli_send_receive_delete(b):
    url = b.queue()
    sent = aws(b, "send-message", "--queue-url", url, "--message-body", "héllo",
               "--message-attributes", '{"n":{"DataType":"Number","StringValue":"7"}}')
    got = aws(b, "receive-message", "--queue-url", url, "--attribute-names", "All",
              "--message-attribute-names", "All", "--wait-time-seconds", "1")["Messages"][0]
    equal((got["Body"], got["MessageId"], got["MessageAttributes"]["n"]["StringValue"]), ("héllo", sent["MessageId"], "7"))
    aws(b, "delete-message", "--queue-url", url, "--receipt-handle", got["ReceiptHandle"])
    equal(b.counts(url), (0, 0, 0))


@check
def cli_batches(b):
    url = b.queue()
    entries = json.dumps([{"Id": str(i), "MessageBody": str(i)} for i in range(3)])
    equal(len(aws(b, "send-message-batch", "--queue-url", url, "--entries", entries)["Successful"]), 3)
    got = aws(b, "receive-message", "--queue-url", url, "--max-number-of-messages", "10")["Messages"]
    entries = json.dumps([{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)])
    equal(len(aws(b, "delete-message-batch", "--queue-url", url, "--entries", entries)["Successful"]), 3)


@check
def cli_visibility(b):
    url = b.queue()
    b.send(url)
    handle = b.one(url)["ReceiptHandle"]
    aws(b, "change-message-visibility", "--queue-url", url, "--receipt-handle", handle, "--visibility-timeout", "0")
    equal(b.counts(url), (1, 0, 0))


@check
def cli_purge(b):
    url = b.queue()
    b.send(url)
    aws(b, "purge-queue", "--queue-url", url)
    aws(b, "purge-queue", "--queue-url", url, fails="AWS.SimpleQueueService.PurgeQueueInProgress")


@check
def cli_tags(b):
    url = b.queue()
    aws(b, "tag-queue", "--queue-url", url, "--tags", "team=orders")
    equal(aws(b, "list-queue-tags", "--queue-url", url)["Tags"], {"team": "orders"})


@check
def cli_fifo(b):
    url = aws(b, "create-queue", "--queue-name", b.name(".fifo"), "--attributes", "FifoQueue=true")["QueueUrl"]
    sent = aws(b, "send-message", "--queue-url", url, "--message-body", "m", "--message-group-id", "g",
               "--message-deduplication-id", "d")
    equal(len(sent["SequenceNumber"]), 20)


@check
def cli_delete_and_its_errors(b):
    url = b.queue()
    aws(b, "delete-queue", "--queue-url", url)
    aws(b, "delete-queue", "--queue-url", url, fails=NO_QUEUE)
    aws(b, "get-queue-url", "--queue-name", b.name(), fails=NO_QUEUE)


@check
def boto3_needs_no_more_than_the_printed_variables(b):
    url = b.queue()
    run = subprocess.run(
        [sys.executable, "-c", "import boto3; print(boto3.client('sqs').list_queues())"],
        env=alone(b.variables), capture_output=True, text=True, timeout=60,
    )
    equal((run.returncode, run.stderr), (0, ""))
    true(url in run.stdout, f"{run.stdout} does not list {url}")
