"""What the checks share: a client, queues with names of their own, expectations."""

import contextlib
import hashlib
import struct
import uuid

import boto3
import botocore.config
import botocore.exceptions

CHECKS = []
DEFAULTS = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


def check(function):
    CHECKS.append(function)
    return function


class Bench:
    """A boto3 client of the server, and short forms of what checks do often.

    variables are those of the environment that send a client to the server.
    """

    def __init__(self, variables):
        self.variables = variables
        self.endpoint = variables["AWS_ENDPOINT_URL_SQS"]
        self.sqs = self.client()

    def client(self, **config):
        """A client that tries once, and leaves it to the server to check what it sends."""
        return boto3.Session("local", "local", region_name="us-east-1").client(
            "sqs",
            endpoint_url=self.endpoint,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=False, **config),
        )

    def name(self, suffix=""):
        return f"compat-{uuid.uuid4().hex[:12]}{suffix}"

    def queue(self, **attributes):
        return self.sqs.create_queue(QueueName=self.name(), Attributes=attributes)["QueueUrl"]

    def fifo(self, **attributes):
        attributes.setdefault("FifoQueue", "true")
        return self.sqs.create_queue(QueueName=self.name(".fifo"), Attributes=attributes)["QueueUrl"]

    def send(self, url, body="m", **more):
        return self.sqs.send_message(QueueUrl=url, MessageBody=body, **more)

    def group(self, url, group, *bodies):
        for body in bodies:
            self.send(url, body, MessageGroupId=group, MessageDeduplicationId=body)

    def receive(self, url, **more):
        more.setdefault("MaxNumberOfMessages", 10)
        return self.sqs.receive_message(QueueUrl=url, **more).get("Messages", [])

    def one(self, url, **more):
        got = self.receive(url, **more)
        equal(len(got), 1)
        return got[0]

    def bodies(self, url, **more):
        return [m["Body"] for m in self.receive(url, **more)]

    def attributes(self, url, *names):
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names or ["All"])).get("Attributes", {})

    def arn(self, url):
        return self.attributes(url, "QueueArn")["QueueArn"]

    def counts(self, url):
        a = self.attributes(url)
        return tuple(
            int(a["ApproximateNumberOfMessages" + kind]) for kind in ("", "NotVisible", "Delayed")
        )


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


@contextlib.contextmanager
def refused(code, part="", status=None):
    """Expects an error with SQS's name, and a part of its sentence."""
    try:
        yield
    except botocore.exceptions.ClientError as e:
        error = e.response["Error"]
        equal(error["Code"], code)
        true(part in error["Message"], f"{error['Message']!r} does not say {part!r}")
        if status:
            equal(e.response["ResponseMetadata"]["HTTPStatusCode"], status)
        return
    raise AssertionError(f"not refused; want {code}")


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def md5_of_attributes(attributes):
    """The digest as AWS's documents describe it, worked out apart from the server."""
    digest = hashlib.md5()

    def part(value):
        digest.update(struct.pack(">I", len(value)) + value)

    for name in sorted(attributes):
        a = attributes[name]
        part(name.encode())
        part(a["DataType"].encode())
        if "BinaryValue" in a:
            digest.update(b"\x02")
            part(a["BinaryValue"])
        else:
            digest.update(b"\x01")
            part(a["StringValue"].encode())
    return digest.hexdigest()


def string(value, kind="String"):
    return {"DataType": kind, "StringValue": value}
