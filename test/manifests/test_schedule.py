"""The schedule's state machine, run: AWS's own services are played here, the machine and its expressions are the template's."""

import heapq
import json
import random
import unittest

from machine import Failed, execution
from manifests import QUEUE, SCHEDULE, Stack

LIST, RUN = "arn:aws:states:::aws-sdk:sfn:listExecutions", "arn:aws:states:::ecs:runTask.sync"


def stopped(poller: int | None, sidecar: int | None = None) -> dict:
    """What ECS says of a task that has ended."""
    codes = {"poller": poller, "target": sidecar}
    return {"StoppedReason": "Essential container in task exited",
            "Containers": [{"Name": name} | ({} if code is None else {"ExitCode": code}) for name, code in codes.items()]}


class World:
    """Step Functions, ECS and a clock. The list of executions is up to stale seconds old."""

    def __init__(self, machine: dict, duration, stale: float = 0):
        self.machine, self.duration, self.stale = machine, duration, stale
        self.events: list[tuple] = []
        self.count = 0
        self.executions: list[dict] = []  # in the order of their start
        self.tasks: list[tuple[float, float]] = []  # from, to

    def at(self, when: float, do) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, do))

    def run(self) -> None:
        while self.events:
            now, _, do = heapq.heappop(self.events)
            do(now)

    def start(self, now: float) -> None:
        one = {"arn": f"execution-{len(self.executions)}", "began": now, "ended": None, "outcome": None}
        self.executions.append(one)
        steps = execution(self.machine, {"Execution": {"Id": one["arn"]}, "StateMachine": {"Id": "runner"}})
        self.go_on(now, one, steps, lambda: next(steps))

    def go_on(self, now: float, one: dict, steps, step) -> None:
        try:
            what, argument = step()
        except StopIteration as end:
            one["ended"], one["outcome"] = now, end.value
            return
        if what == "wait":
            self.at(now + argument, lambda then: self.go_on(then, one, steps, lambda: next(steps)))
        elif what == LIST:
            assert argument == {"StateMachineArn": "runner", "StatusFilter": "RUNNING"}, argument
            result = {"Executions": [{"ExecutionArn": e["arn"]} for e in reversed(self.executions) if self.listed(e, now - self.stale)]}
            self.go_on(now, one, steps, lambda: steps.send(result))
        elif what == RUN:
            seconds, task = self.duration()
            self.tasks.append((now, now + seconds))
            fails = any(c.get("ExitCode") != 0 for c in task["Containers"])
            end = (lambda: steps.throw(Failed("States.TaskFailed", json.dumps(task)))) if fails else (lambda: steps.send(task))
            self.at(now + seconds, lambda then: self.go_on(then, one, steps, end))
        else:
            raise AssertionError(what)

    def listed(self, one: dict, at: float) -> bool:
        return one["began"] <= at and (one["ended"] is None or one["ended"] > at)

    def outcomes(self) -> list[tuple[str, str]]:
        return [e["outcome"] for e in self.executions]


class TheMachine(unittest.TestCase):
    def setUp(self):
        self.machine = Stack(SCHEDULE, **QUEUE).machine()

    def one_run(self, task: dict) -> tuple[str, str]:
        world = World(self.machine, lambda: (60, task))
        world.at(0, world.start)
        world.run()
        (outcome,) = world.outcomes()
        return outcome

    def test_there_are_never_two_tasks_at_once_though_starts_come_twice_and_runs_are_long(self):
        for seed in range(100):
            chance = random.Random(seed)
            longest = chance.choice([20, 100, 1000])
            world = World(self.machine, lambda chance=chance, longest=longest: (chance.uniform(1, longest), stopped(0, 0)), stale=chance.uniform(0, 9))
            for minute in range(60):
                for _ in range(chance.choice([1, 1, 1, 2])):
                    world.at(minute * 60 + chance.uniform(0, 2), world.start)
            world.run()
            ordered = sorted(world.tasks)
            for (_, end), (begin, _) in zip(ordered, ordered[1:]):
                self.assertLessEqual(end, begin, f"seed {seed}")
            self.assertEqual({("SUCCEEDED", "Emptied"), ("SUCCEEDED", "Skipped")} | set(world.outcomes()), {("SUCCEEDED", "Emptied"), ("SUCCEEDED", "Skipped")})
            self.assertGreaterEqual(len(world.tasks), 3, f"seed {seed}")

    def test_after_a_run_that_was_longer_than_the_interval_the_next_start_begins_anew(self):
        durations = iter([200, 30])
        world = World(self.machine, lambda: (next(durations), stopped(0, 0)))
        for start in (0, 60, 120, 180, 240):
            world.at(start, world.start)
        world.run()
        self.assertEqual(["Emptied", "Skipped", "Skipped", "Skipped", "Emptied"], [why for _, why in world.outcomes()])
        self.assertEqual([(10, 210), (250, 280)], world.tasks)

    def test_a_run_fails_by_poller_s_exit_code_and_no_other(self):
        self.assertEqual(("SUCCEEDED", "Emptied"), self.one_run(stopped(0, 0)))
        # The sidecar is stopped after poller; most programs do not end with 0 then.
        for sidecar in (143, 137, 1):
            self.assertEqual(("SUCCEEDED", "Emptied"), self.one_run(stopped(0, sidecar)))
        for code in (1, 3, 4, 137):
            self.assertEqual(("FAILED", f"exit code {code}: Essential container in task exited"), self.one_run(stopped(code, 0)))
        self.assertEqual(("FAILED", "exit code : Essential container in task exited"), self.one_run(stopped(None)))
