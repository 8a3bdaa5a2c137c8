"""A function on the runtime interface emulator, with awslambdaric and Powertools: each good message once, each bad one
in the dead-letter queue."""

import collections
import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from stack import Stack, free_port, listens, wait_for


class Function(Stack):
    def function(self, handler: str) -> str:
        self.done = self.folder / "done"
        self.done.touch()
        port, runtime = free_port(), free_port()
        here = str(Path(__file__).parent)
        self.start("function", ["aws-lambda-rie", "--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address",
                                f"127.0.0.1:{runtime}", "--log-level", "error", "python3", "-m", "awslambdaric", f"functions.{handler}"],
                   {"DONE": str(self.done), "PYTHONPATH": here, "AWS_LAMBDA_FUNCTION_TIMEOUT": "10", "AWS_LAMBDA_FUNCTION_NAME": "function",
                    "POWERTOOLS_SERVICE_NAME": "test", "LAMBDA_TASK_ROOT": here})
        wait_for(lambda: listens(port), why="the emulator")
        return f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    def bodies(self, n: int) -> list[str]:
        return [json.dumps({"number": i}, separators=(",", ":")) for i in range(1, n + 1)]

    def numbers(self) -> list[int]:
        return [int(line) for line in self.done.read_text().split()]

    def deliver(self, handler: str, n: int, *args: str, group=None, seconds: float = 120) -> None:
        self.send(self.bodies(n), group)
        self.poller(self.function(handler), "--format", "lambda", "--concurrency", "1", "--timeout", "15s", *args)
        good = [i for i in range(1, n + 1) if i % 33] + self.proven(n, group, seconds)
        bad = [i for i in range(1, n + 1) if i % 33 == 0]
        twice = [i for i, times in collections.Counter(self.numbers()).items() if times > 1]
        self.assertEqual(twice, [])
        self.assertEqual(sorted(self.numbers()), good)
        self.assertEqual(sorted(json.loads(body)["number"] for body in self.dead_bodies()), bad)

    def proven(self, n: int, group=None, seconds: float = 120) -> list[int]:
        """Waits until the queue is empty. Good messages keep coming: a bad one that is alone is held for minutes, as nothing
        proves that it is to blame. Returns their numbers."""
        more, until = [], time.monotonic() + seconds
        while self.depth(self.url) > 0 and time.monotonic() < until:
            number = 33 * (n + len(more)) + 1
            self.send([json.dumps({"number": number}, separators=(",", ":"))], group)
            more.append(number)
            time.sleep(0.5)
        self.emptied(10)
        return more


    def count(self, name: str, *labels: str) -> int:
        """A counter of poller's, summed over what has these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics") as page:
            lines = page.read().decode().splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(name + "{") and all(x in line for x in labels))


class Standard(Function):
    def test_each_good_message_once_and_each_bad_one_dead(self):
        self.deliver("handler", 1000)
        # 970 in tens, and three tries for each bad one, most of them alone.
        self.assertLess(self.count("poller_requests_total"), 97 + 3 * 30 + 100)

    def test_one_message_in_each_event(self):
        self.deliver("handler", 200, "--batch", "1")
        self.assertEqual(self.count("poller_requests_total"), self.count("poller_deliveries_total"))

    def test_a_hundred_messages_in_each_event(self):
        self.deliver("handler", 1000, "--batch", "100", "--batch-wait", "200ms")
        self.assertLess(self.count("poller_requests_total"), 3 * 30 + 100)

    def test_a_function_that_raises_is_understood_though_the_emulator_answers_200(self):
        self.deliver("plain_handler", 200, "--batch", "1")

    def test_no_good_message_dies_by_a_function_that_raises_for_the_whole_event(self):
        self.send(self.bodies(200))
        self.poller(self.function("plain_handler"), "--format", "lambda", "--concurrency", "1", "--timeout", "15s")
        more = self.proven(200)
        # What came before the bad one in its event is delivered again with the next.
        self.assertEqual(sorted(set(self.numbers())), [i for i in range(1, 201) if i % 33] + more)
        self.assertEqual(sorted(json.loads(body)["number"] for body in self.dead_bodies()), [i for i in range(1, 201) if i % 33 == 0])

    def test_a_function_that_is_killed_loses_nothing(self):
        self.send(self.bodies(300))
        target = self.function("handler")
        self.poller(target, "--format", "lambda", "--concurrency", "1", "--timeout", "15s")
        killed = set()
        while len(killed) < 3:
            wait_for(lambda: len(self.numbers()) > 50 * (len(killed) + 1), 30, "the function works")
            pid = subprocess.run(["pgrep", "-f", "awslambdaric functions.handler"], capture_output=True, text=True).stdout.split()
            for mine in {p for p in map(int, pid) if self.belongs(p)} - killed:
                os.kill(mine, signal.SIGKILL)
                killed.add(mine)
        more = self.proven(300, seconds=90)
        self.assertEqual(sorted(set(self.numbers())), [i for i in range(1, 301) if i % 33] + more)
        self.assertTrue(all(json.loads(body)["number"] % 33 == 0 for body in self.dead_bodies()))

    def belongs(self, pid: int) -> bool:
        """Whether a process is of this test."""
        try:
            return f"DONE={self.done}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and b"aws-lambda-rie" not in Path(
                f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False


class FIFO(Function):
    queue = "orders.fifo"

    def test_each_good_message_once_in_its_group_and_in_sequence(self):
        # So many groups that some always go on: where each group has a bad message at its head, nothing proves their fault.
        # What is sent later is in groups of its own, since behind a bad message it would prove nothing either.
        def group(body: str) -> str:
            number = json.loads(body)["number"]
            return str(number % 100) if number <= 1000 else f"later-{number}"

        self.deliver("fifo_handler", 1000, group=group)
        for g in range(100):
            mine = [i for i in self.numbers() if i <= 1000 and i % 100 == g]
            self.assertEqual(mine, sorted(mine))
