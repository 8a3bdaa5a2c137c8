"""The profile fleet of docker-compose.yml: three workers, one budget, and what may befall them. One run: the tests go in the order of their numbers."""

import json
import os
import signal
import time
import unittest
import urllib.error
from pathlib import Path

from compose import PROJECT, Stack, docker, get, until

RATE, SLOTS = 28, 8  # docker-compose.yml: of all three together
BURST = 3  # 5 % of the rate, and one
# The sink counts what arrives: a request that took longer arrives together with the next ones.
TRANSIT = 2
ALL = ("--profile", "fleet", "--profile", "load")


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(f"{PROJECT}-fleet")
        first = 21000 + os.getpid() % 900 * 10
        cls.stack.ports["WORKER_PORTS"] = f"{first}-{first + 2}"
        cls.stack.compose(*ALL, "down", "-v", "--remove-orphans")
        cls.addClassCleanup(lambda: cls.stack.compose(*ALL, "down", "-v", "--remove-orphans", check=False))
        cls.stack.compose("build", "poller", timeout=600)
        cls.stack.compose(*ALL, "up", "-d", "--wait", "--wait-timeout", "180", "localstack", "sink", "valkey", "worker")

    def run(self, result=None):
        """With the logs, where it went wrong."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.stack.compose(*ALL, "ps", "-a", check=False).stdout)
            print(self.stack.compose(*ALL, "logs", "--tail", "15", "worker", "valkey", check=False).stdout[-6000:], flush=True)
        return result

    def workers(self) -> list[str]:
        labels = {"project": self.stack.project, "service": "worker", "oneoff": "False"}
        return docker("ps", "-aq", *[f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]).stdout.split()

    def status(self, worker: str) -> dict:
        """What a worker says of its place in the fleet."""
        port = docker("port", worker, "9500/tcp").stdout.splitlines()[0].rsplit(":", 1)[1]
        (target,) = json.loads(get(f"http://127.0.0.1:{port}/status.json"))["targets"]
        return target["fleet"]

    def states(self) -> list[str]:
        states = []
        for worker in self.workers():
            try:
                states.append(self.status(worker)["state"])
            except (OSError, urllib.error.URLError, AssertionError, LookupError):
                states.append("silent")
        return states

    def goes_on(self, least: float, seconds: int = 5) -> None:
        """The sink takes that part of the rate for some seconds."""
        def pace() -> bool:
            before, began = self.stack.sink()["accepted"], time.monotonic()
            time.sleep(seconds)
            self.last = (self.stack.sink()["accepted"] - before) / (time.monotonic() - began)
            self.assertGreater(self.stack.depth("orders-queue"), 0)
            return self.last >= least * RATE
        until(pace, f"{least:.0%} of the rate, with a backlog", 60)
        print(f"{self.last:.1f}/s,", end=" ", flush=True)

    def within(self) -> None:
        """By the sink's own count, in any second since it was asked to forget."""
        stats = self.stack.sink()
        print(f"worst second {stats['per_second_max']}, {stats['at_once_max']} at once,", end=" ", flush=True)
        self.assertLessEqual(stats["per_second_max"], RATE + BURST + TRANSIT)
        self.assertLessEqual(stats["at_once_max"], SLOTS)

    def test_01_three_workers_share_28_a_second_and_each_shows_all_three(self):
        # All the time, and more than they may deliver; not through the gateway, which is slower.
        self.stack.compose(*ALL, "run", "--rm", "-d", "--no-deps", "worker", "send", "--queue", "orders-queue", "--rate", "60/s", *["{}"] * 20_000)
        until(lambda: self.stack.depth("orders-queue") > 300, "a backlog", 60)
        until(lambda: self.states() == ["live"] * 3, "all three are live", 60)
        self.stack.forget()
        self.goes_on(0.97, 10)
        for worker in self.workers():
            until(lambda worker=worker: len(self.status(worker)["members"]) == 3, "it shows all three", 15)
        self.within()

    def test_02_one_is_killed_and_comes_back(self):
        worker = self.workers()[0]
        pid = json.loads(docker("inspect", worker).stdout)[0]["State"]["Pid"]
        self.assertIn("/poller", Path(f"/proc/{pid}/cmdline").read_text(), "run this where the engine runs")
        os.kill(pid, signal.SIGKILL)
        self.goes_on(0.6)  # it may be old enough to have a share, which is reserved for 5 minutes
        until(lambda: self.states() == ["live"] * 3, "all three are live", 60)
        self.within()

    def test_03_one_stands_still(self):
        worker = self.workers()[1]
        docker("pause", worker)
        time.sleep(4)
        self.goes_on(0.3)  # with the killed one's, two shares may be reserved
        docker("unpause", worker)
        until(lambda: self.states() == ["live"] * 3, "all three are live", 60)
        self.goes_on(0.6)
        self.within()

    def test_04_the_coordinator_is_started_anew(self):
        self.stack.compose(*ALL, "restart", "valkey")
        until(lambda: self.states() == ["live"] * 3, "all three are live", 60)
        until(lambda: sum(self.status(w)["memory_lost"] for w in self.workers()) >= 3, "all three have seen that its memory was lost", 30)
        self.goes_on(0.6)  # for 5 minutes what the replicas brought
        self.within()
        self.assertEqual(0, self.stack.depth("orders-dlq"))
