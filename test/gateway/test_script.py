"""deploy/aws.sh, as a user types it, on LocalStack."""

import json
import subprocess
import tempfile
import unittest
import uuid

from botocore.exceptions import ClientError
from emulator import Stack, client, endpoint, environment
from template import ROOT

SCRIPT = ROOT / "deploy/aws.sh"


def run(*words: str, env: dict | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, env=env or environment())


def stacks() -> set[str]:
    return {s["StackId"] for s in client("cloudformation").list_stacks()["StackSummaries"] if s["StackStatus"] != "DELETE_COMPLETE"}


class TheScript(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        found = subprocess.run(["shellcheck", "-x", str(SCRIPT), str(ROOT / "test/gateway/run.sh")], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual((found.returncode, found.stdout), (0, ""))

    def test_without_region_or_credentials_says_so_and_makes_nothing(self):
        before = stacks()
        with tempfile.TemporaryDirectory() as home:
            bare = {n: v for n, v in environment().items() if not n.startswith("AWS_")} | {
                "HOME": home, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": endpoint()}
            for env, told in [(bare, "no region: set AWS_REGION"), (bare | {"AWS_REGION": "us-east-1"}, "no valid credentials: set AWS_PROFILE")]:
                for verb in (["deploy"], ["deploy", "--dry-run"], ["outputs"], ["send"], ["delete"]):
                    done = run(*verb, env=env)
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn(told, done.stderr)
        self.assertEqual(stacks(), before)

    def test_a_wrong_word_is_refused_before_anything_is_asked(self):
        for words, told in [(["deploy", "Fifo"], "Fifo: a parameter is written Name=Value"), (["deploy", "--force"], "unknown option --force"),
                            (["outputs", "x"], "outputs takes no x"), (["deploy", "--stack"], "--stack needs a name")]:
            done = run(*words, env={"PATH": environment()["PATH"]})
            self.assertEqual((done.returncode, told in done.stderr), (1, True), done.stderr)
        self.assertEqual(run("destroy").returncode, 2)
        self.assertIn("deploy/aws.sh deploy", run("-h").stdout)

    def test_a_stack_that_is_not_there_is_said(self):
        for verb in ("outputs", "send", "delete"):
            done = run(verb, "--stack", "absent")
            self.assertEqual(done.returncode, 1)
            self.assertIn("there is no stack absent in us-east-1", done.stderr)

    def test_a_dry_run_shows_the_changes_and_leaves_nothing(self):
        before = stacks()
        done = run("deploy", "--dry-run", "--stack", f"script-{uuid.uuid4().hex[:8]}", "Fifo=true")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("Add", "ExamplePost", "AWS::SQS::Queue", "FifoDeployment"):
            self.assertIn(word, done.stdout)
        self.assertNotIn("StandardDeployment", done.stdout)
        self.assertEqual(stacks(), before)

    def test_messages_that_cannot_be_counted_are_not_deleted_unasked(self):
        stack = Stack()
        self.addCleanup(stack.delete)
        client("sqs").delete_queue(QueueUrl=stack.outputs["QueueUrl"])
        done = run("delete", "--stack", stack.name)
        self.assertEqual(done.returncode, 1)
        self.assertIn("an unknown number of messages in the queue and 0 in the dead-letter queue would be lost", done.stderr)

    def test_queues_that_stay_are_named_and_nothing_is_asked(self):
        stack = Stack(QueueDeletion="Retain")
        urls = [stack.outputs["QueueUrl"], stack.outputs["DeadLetterQueueUrl"]]
        for url in urls:
            self.addCleanup(client("sqs").delete_queue, QueueUrl=url)
        client("sqs").send_message(QueueUrl=urls[0], MessageBody="kept")
        self.assertIn("the queues would stay, with 1 messages in the queue and 0 in the dead-letter queue",
                      run("delete", "--dry-run", "--stack", stack.name).stdout)
        done = run("delete", "--stack", stack.name)
        self.assertEqual((done.returncode, done.stdout), (0, f"deleted: {stack.name}\nkept: {urls[0]}\nkept: {urls[1]}\n"), done.stderr)
        self.assertEqual([m["Body"] for m in stack.take()], ["kept"])

    def test_the_path_of_a_stack_that_exists_is_not_changed(self):
        stack = Stack(Path="orders")
        self.addCleanup(stack.delete)
        done = run("deploy", "--stack", stack.name, "Path=other")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Path cannot be changed, the API would go on serving /orders", done.stderr)
        self.assertEqual(run("deploy", "--dry-run", "--stack", stack.name, "Path=orders", "MaxReceiveCount=9").returncode, 0)

    def test_deploy_outputs_send_update_delete(self):
        name = f"script-{uuid.uuid4().hex[:8]}"
        done = run("deploy", "--stack", name, "VisibilityTimeout=45", "QueueDeletion=Delete")
        self.assertEqual(done.returncode, 0, done.stderr)
        outputs = dict(line.split("\t") for line in done.stdout.splitlines())
        self.assertEqual(run("outputs", "--stack", name).stdout, done.stdout)
        url = outputs["QueueUrl"]

        sent = run("send", "--stack", name, "@a & b=100%")
        self.assertEqual((sent.returncode, sent.stdout[:4]), (0, "202 "), sent.stderr)
        (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
        self.assertEqual((message["Body"], json.loads(sent.stdout[4:])), ("@a & b=100%", {"messageId": message["MessageId"]}))
        refused = run("send", "--stack", name, "\ufffd")
        self.assertEqual((refused.returncode, refused.stdout[:4]), (1, "400 "))

        shown = run("deploy", "--dry-run", "--stack", name, "MaxReceiveCount=9")
        self.assertEqual((shown.returncode, "Modify" in shown.stdout), (0, True), shown.stdout + shown.stderr)
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual((attributes["VisibilityTimeout"], int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"])), ("45", 5))

        kept = run("delete", "--stack", name)
        self.assertEqual(kept.returncode, 1)
        self.assertIn("1 messages in the queue and 0 in the dead-letter queue would be lost", kept.stderr)
        self.assertIn("messages lost: 1 in the queue", run("delete", "--dry-run", "--stack", name).stdout)
        done = run("delete", "--stack", name, "--yes")
        self.assertEqual((done.returncode, done.stdout), (0, f"deleted: {name}\n"), done.stderr)
        with self.assertRaises(ClientError):
            client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
