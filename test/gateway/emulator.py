"""LocalStack, and stacks on it."""

import functools
import http.client
import json
import os
import subprocess
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from template import GATEWAY, ROOT

REGION = "us-east-1"
ACCOUNT = "000000000000"


@functools.cache
def endpoint() -> str:
    """Starts LocalStack unless it runs, and leaves it running."""
    for shared in [os.environ.get("POLLER_SHARED"), ROOT.parent / "shared"]:
        start = Path(shared or "/nonexistent") / "localstack/start.sh"
        if start.exists():
            return subprocess.run(["bash", str(start)], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    raise RuntimeError("no localstack/start.sh: set POLLER_SHARED to the folder that has it")


def environment() -> dict:
    """For the AWS command line. No other variable of the machine's AWS settings reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_ENDPOINT_URL": endpoint(), "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test",
                   "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}


@functools.cache
def client(service: str):
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint(), aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}))


class Stack:
    """A stack of its own name; a template's text may replace gateway.yaml's."""

    def __init__(self, text: str = "", **parameters: str):
        self.name = f"gateway-{uuid.uuid4().hex[:8]}"
        self.text = text or GATEWAY.read_text()
        if "QueueDeletion:" in self.text:  # a test leaves no queues, unless it says so
            parameters = {"QueueDeletion": "Delete"} | parameters
        self.apply("CREATE", parameters)

    def update(self, **parameters: str) -> None:
        self.apply("UPDATE", parameters)

    def apply(self, kind: str, parameters: dict) -> None:
        """By a change set, as `aws cloudformation deploy` does; what is not given keeps its value."""
        formation = client("cloudformation")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        if kind == "UPDATE":
            given += [{"ParameterKey": p["ParameterKey"], "UsePreviousValue": True}
                      for p in self.describe()["Parameters"] if p["ParameterKey"] not in parameters]
        change = f"c{uuid.uuid4().hex[:8]}"
        formation.create_change_set(StackName=self.name, ChangeSetName=change, ChangeSetType=kind, TemplateBody=self.text,
                                    Parameters=given, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
        self.wait(lambda: formation.describe_change_set(StackName=self.name, ChangeSetName=change)["Status"] == "CREATE_COMPLETE")
        formation.execute_change_set(StackName=self.name, ChangeSetName=change)
        self.wait(lambda: self.describe()["StackStatus"].endswith("COMPLETE"))
        described = self.describe()
        if described["StackStatus"] != f"{kind}_COMPLETE":
            raise AssertionError(f"{self.name}: {described['StackStatus']} {described.get('StackStatusReason')}")
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}

    def describe(self) -> dict:
        return client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]

    def delete(self) -> None:
        client("cloudformation").delete_stack(StackName=self.name)

        def gone() -> bool:
            try:
                return self.describe()["StackStatus"] == "DELETE_COMPLETE"
            except ClientError:
                return True

        self.wait(gone)

    def wait(self, done) -> None:
        deadline = time.monotonic() + 60
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} is not done after 60 s")
            time.sleep(0.05)

    def resource(self, logical: str) -> str:
        return client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=logical)[
            "StackResourceDetail"]["PhysicalResourceId"]

    def attributes(self, output: str = "QueueUrl") -> dict:
        return client("sqs").get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=["All"])["Attributes"]

    def take(self) -> list[dict]:
        """Everything that can be received now, deleted."""
        taken = []
        while True:
            messages = client("sqs").receive_message(
                QueueUrl=self.outputs["QueueUrl"], MaxNumberOfMessages=10, WaitTimeSeconds=0,
                MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]).get("Messages", [])
            if not messages:
                return taken
            for message in messages:
                client("sqs").delete_message(QueueUrl=self.outputs["QueueUrl"], ReceiptHandle=message["ReceiptHandle"])
            taken += messages


class Door:
    """The deployed endpoint, over one kept connection. Nothing adds headers or changes the body on the way."""

    def __init__(self, stack: Stack):
        url = urlsplit(stack.outputs["Endpoint"])
        # The emulator's own way to an API without DNS.
        self.base = f"/_aws/execute-api/{url.hostname.split('.')[0]}"
        self.path = self.base + url.path
        self.connection = http.client.HTTPConnection(urlsplit(endpoint()).netloc, timeout=60)

    def send(self, body: bytes = b"", content_type: str | None = "application/json", headers: list[tuple[str, str]] = (),
             method: str = "POST", path: str = "") -> tuple[int, dict, str]:
        """The answer's status, headers and text. path replaces the endpoint's; ?query alone is added to it."""
        path = self.path + path if path.startswith("?") or not path else path
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in [("Content-Length", str(len(body)))] + ([("Content-Type", content_type)] if content_type is not None else []):
            self.connection.putheader(name, value)
        for name, value in headers:
            self.connection.putheader(name, value)
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()


def message_of(text: str) -> str:
    """The answer's only member, whichever it is."""
    (value,) = json.loads(text).values()
    return value
