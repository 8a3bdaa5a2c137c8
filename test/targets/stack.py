"""poller with an SQS server of its own, and receivers that write down what they get."""

import http.server
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import traceback
import unittest
from pathlib import Path

import botocore.session

CREDENTIALS = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
               "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AWS_EC2_METADATA_DISABLED": "true"}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds: float = 30, why: str = "it"):
    """What a function returns, once that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{why}: not within {seconds:.0f} s")


def listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Stack(unittest.TestCase):
    queue = "orders"
    visibility = "60s"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.trouble = []  # in our receiver
        port = free_port()
        self.env = {"PATH": os.environ["PATH"], "HOME": folder.name, "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{port}"} | CREDENTIALS
        self.start("localsqs", ["poller", "localsqs", "--listen", f"127.0.0.1:{port}", "--queue", self.queue, "--max-receive-count", "3",
                                "--visibility-timeout", self.visibility])
        wait_for(lambda: listens(port), why="localsqs")
        self.sqs = botocore.session.get_session().create_client("sqs", "eu-central-1", endpoint_url=f"http://127.0.0.1:{port}",
                                                                aws_access_key_id="any", aws_secret_access_key="any")
        self.url = self.sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        self.dead = self.sqs.get_queue_url(QueueName=self.queue.replace("orders", "orders-dlq"))["QueueUrl"]

    def start(self, name: str, command: list[str], env: dict | None = None) -> subprocess.Popen:
        log = self.folder / f"{name}.log"
        with log.open("a") as out:
            process = subprocess.Popen(command, env=self.env | (env or {}), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       start_new_session=True)

        def end():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

        self.addCleanup(end)
        return process

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def send(self, bodies: list[str], group=None, attributes: dict | None = None) -> None:
        for at in range(0, len(bodies), 10):
            entries = [{"Id": str(i), "MessageBody": body, "MessageAttributes": attributes or {}} for i, body in enumerate(bodies[at:at + 10])]
            for entry in entries if group else []:
                entry |= {"MessageGroupId": group(entry["MessageBody"]), "MessageDeduplicationId": entry["MessageBody"]}
            self.assertFalse(self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed"))

    def depth(self, url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        return sum(map(int, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

    def dead_bodies(self) -> list[str]:
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.dead, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
            found += [m["Body"] for m in messages]
            for m in messages:  # a FIFO queue hands out no more of a group while some of it is in flight
                self.sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=m["ReceiptHandle"])
        return found

    def poller(self, target: str, *args: str, env: dict | None = None) -> subprocess.Popen:
        self.admin = free_port()
        return self.start("poller", ["poller", "run", "--queue", self.queue, "--target", target, "--listen", f"127.0.0.1:{self.admin}",
                                     "--log-format", "json", "--backoff", "1s", "--backoff-max", "1s", *args], env)

    def emptied(self, seconds: float = 60) -> None:
        try:
            wait_for(lambda: self.depth(self.url) == 0, seconds, "the queue is empty")
        except AssertionError as e:
            raise AssertionError(f"{e}; {self.depth(self.url)} left\n{self.said('poller')[-3000:]}\n{''.join(self.trouble[:1])}") from None

    def node(self, mode: str, *args: str) -> int:
        """Starts the receiver in JavaScript and gives its port. What it got is in its log, a line a request."""
        port = free_port()
        self.start("node", ["node", os.environ["RECEIVER"], mode, str(port), *args])
        wait_for(lambda: listens(port), why="node")
        return port

    def node_got(self) -> list[dict]:
        return [json.loads(line) for line in self.said("node").splitlines() if line.startswith(("{", "["))]

    def receiver(self, judge) -> tuple[int, list]:
        """Starts a receiver here: judge gets the handler and the body, and returns the status."""
        got, trouble = [], self.trouble

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = 500
                try:
                    status = judge(self, body)
                except Exception:
                    trouble.append(traceback.format_exc())
                finally:
                    got.append((self.path, dict(self.headers.items()), body, status))
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1], got
