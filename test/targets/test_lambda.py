"""A function on the runtime interface emulator, with awslambdaric and Powertools: each good message once, each bad one
in the dead-letter queue."""

import collections
import json
import os
import signal
import subprocess
import time
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

    def deliver(self, handler: str, n: int, group=None, seconds: float = 120) -> None:
        self.send(self.bodies(n), group)
        self.poller(self.function(handler), "--format", "lambda", "--concurrency", "1", "--timeout", "15s")
        self.emptied(seconds)
        bad = [i for i in range(1, n + 1) if i % 33 == 0]
        twice = [i for i, times in collections.Counter(self.numbers()).items() if times > 1]
        self.assertEqual(twice, [])
        self.assertEqual(sorted(self.numbers()), [i for i in range(1, n + 1) if i % 33])
        self.assertEqual(sorted(json.loads(body)["number"] for body in self.dead_bodies()), bad)


class Standard(Function):
    def test_each_good_message_once_and_each_bad_one_dead(self):
        self.deliver("handler", 1000)

    def test_a_function_that_raises_is_understood_though_the_emulator_answers_200(self):
        self.deliver("plain_handler", 200)

    def test_a_function_that_is_killed_loses_nothing(self):
        self.send(self.bodies(300))
        target = self.function("handler")
        self.poller(target, "--format", "lambda", "--concurrency", "1", "--timeout", "15s")
        for killed in range(3):
            wait_for(lambda: len(self.numbers()) > 50 * (killed + 1), 30, "the function works")
            pid = subprocess.run(["pgrep", "-f", f"awslambdaric functions.handler"], capture_output=True, text=True).stdout.split()
            mine = [p for p in map(int, pid) if self.belongs(p)]
            if mine:
                os.kill(mine[-1], signal.SIGKILL)
        self.emptied(90)
        self.assertEqual(sorted(set(self.numbers())), [i for i in range(1, 301) if i % 33])
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
        group = lambda body: str(json.loads(body)["number"] % 5)
        self.deliver("fifo_handler", 200, group)
        for g in range(5):
            mine = [i for i in self.numbers() if i % 5 == g]
            self.assertEqual(mine, sorted(mine))
