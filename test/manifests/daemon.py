"""poller's programs on this machine: the daemon with what a manifest gives it, an SQS server, a target."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

# Nothing of this machine's reaches the daemon but what the manifest says and what stands in for AWS's own.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url: str, timeout: float = 5) -> str:
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def until(done, what: str, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if value := done():
                return value
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Program:
    """One of poller's verbs, in the background."""

    def __init__(self, log: Path, *args: str, env: dict[str, str] | None = None, within: list[str] | None = None):
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen([*(within or []), "poller", *args], env={"PATH": os.environ["PATH"]} | (env or {}), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=subprocess.STDOUT)

    def said(self) -> str:
        return self.log.read_text()

    def stop(self, seconds: float = 40) -> int:
        """The exit code after SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> None:
        """Where how it stops is not what is asked, nor how long that takes."""
        self.process.kill()
        self.process.wait()

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there after {seconds:.0f} s: {self.said()[-2000:]}") from None

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]


class Bench:
    """An SQS server with the queue orders, and a target that counts."""

    def __init__(self, folder: Path, visibility: str = "30s", latency: str = "10ms", sink: tuple[str, ...] = ()):
        self.folder = folder
        self.sqs, self.target = free_port(), free_port()
        self.programs = [Program(folder / "sqs.log", "localsqs", "--listen", f"127.0.0.1:{self.sqs}", "--queue", "orders", "--max-receive-count", "5",
                                 "--visibility-timeout", visibility),
                         Program(folder / "sink.log", "sink", "--listen", f"127.0.0.1:{self.target}", "--latency", latency, *sink, env=CREDENTIALS)]
        self.env = CREDENTIALS | {"AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{self.sqs}"}
        self.target_url = f"http://127.0.0.1:{self.target}/orders"
        self.queue_url = until(lambda: re.search(r"http://\S+/orders\b", self.programs[0].said()), "the queue's URL")[0]
        until(self.stats, "the target")

    def stats(self) -> dict:
        return json.loads(get(f"http://127.0.0.1:{self.target}/stats"))

    def send(self, count: int) -> None:
        bodies = "".join(f'{{"order": {i}}}\n' for i in range(count))
        done = subprocess.run(["poller", "send", "--queue", self.queue_url, "-"], env={"PATH": os.environ["PATH"]} | self.env, input=bodies,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def start(self, *args: str, env: dict[str, str], within: list[str] | None = None) -> Program:
        """The daemon, or a program that runs it."""
        self.programs.append(Program(self.folder / f"daemon-{len(self.programs)}.log", *args, env=self.env | env, within=within))
        return self.programs[-1]

    def drain(self, daemon: Program) -> int:
        """The exit code after SIGTERM. The long poll that is out ends by a message: else it may last for 20 s."""
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "draining" in daemon.said(), f"a drain\n{daemon.said()}")
        self.send(1)
        return daemon.wait(40)

    def close(self) -> None:
        for program in reversed(self.programs):
            program.stop()
