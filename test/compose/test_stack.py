"""docker compose up, and what may befall it. One run: the tests go in the order of their numbers, and each leaves the stack well."""

import json
import math
import os
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
from pathlib import Path

import dashboards
import test_files
from compose import PROJECT, SERVICES, Stack, docker, get, until

CAPACITY, RATE = 8, 35  # docker-compose.yml: what the sink takes
VISIBILITY = 20
OBJECTIVE = 30  # of the lag: deploy/prometheus/objective.yml


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        docker("compose", "-p", PROJECT, "--profile", "load", "down", "-v", "--remove-orphans")
        cls.stack = Stack()
        cls.marks = []
        cls.addClassCleanup(cls.end)
        began = time.monotonic()
        cls.stack.compose("build", "poller", timeout=600)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)

    @classmethod
    def end(cls):
        if os.environ.get("COMPOSE_KEEP"):
            print("left running: " + " ".join(f"{name}={port}" for name, port in cls.stack.ports.items()))
        else:
            cls.stack.compose("--profile", "load", "down", "-v", "--remove-orphans", check=False)

    def run(self, result=None):
        """With the logs, where it went wrong."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.stack.compose("ps", "-a", check=False).stdout)
            print(self.stack.compose("logs", "--tail", "25", "poller", "localstack", check=False).stdout[-6000:], flush=True)
        return result

    def ready(self) -> bool:
        return get(self.stack.url("poller") + "/-/ready").strip() == "ready"

    def why_not_ready(self) -> str:
        """Nothing, if it is."""
        try:
            self.ready()
        except urllib.error.HTTPError as answer:
            self.assertEqual(503, answer.code)
            return answer.read().decode()
        return ""

    def alert(self, name: str, seconds: float = 30) -> None:
        """The alert's condition holds now; how long it must hold is promtool's test."""
        (rule,) = [rule for rule in test_files.rules("alert") if rule["alert"] == name]
        until(lambda: self.stack.instant(rule["expr"]), f"{name}'s condition in Prometheus", seconds, every=1)

    def delivered(self, count: int, seconds: float = 90) -> dict:
        """Waits until the sink has taken as many different messages, and nothing is left."""
        until(lambda: (s := self.stack.sink())["accepted"] - s["duplicates"] >= count, f"{count} delivered", seconds)
        until(lambda: self.stack.depth("orders-queue") == 0, "the queue is empty", 30)
        stats = self.stack.sink()
        self.assertEqual(count, stats["accepted"] - stats["duplicates"])
        return stats

    def never_overrun(self, stats: dict) -> None:
        self.assertEqual({"capacity": 0, "outage": 0, "rate": 0}, stats["refused"])
        self.assertLessEqual(stats["at_once_max"], CAPACITY)
        self.assertLessEqual(stats["per_second_max"], RATE)

    def mark(self, text: str) -> None:
        """For draw.py."""
        self.marks.append((time.time(), text))

    def say(self, text: str) -> None:
        print(text, end=" ", flush=True)

    def test_01_poller_before_there_is_a_queue_waits_and_says_so(self):
        self.stack.compose("up", "-d", "--no-deps", "poller", "prometheus")
        until(lambda: get(self.stack.url("poller") + "/-/healthy"), "poller's admin port", 30)
        until(lambda: "no answer from http://localstack:4566" in self.why_not_ready(), "not ready, with the reason", 20)
        until(lambda: self.stack.inspect("poller")["State"]["Health"]["Status"] == "healthy", "healthy, though not ready", 30)
        self.alert("PollerNotReady")

    def test_02_a_call_before_the_gateway_is_there_and_an_absent_target_cost_no_message(self):
        self.mark("no target yet")
        load = subprocess.Popen(["docker", "compose", "-p", PROJECT, "run", "--rm", "-T", "load", "--requests", "60"], env=os.environ | self.stack.ports,
                                cwd=dashboards.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.stack.compose("up", "-d", "--wait", "--wait-timeout", "120", "--no-deps", "localstack")
        out, err = load.communicate(timeout=120)
        self.assertEqual({"202": 60}, json.loads(out)["answers"], err)
        self.assertIn("waiting for the gateway", err)
        absent = time.monotonic()
        until(self.ready, "poller finds the queue by itself", 60)
        until(lambda: self.stack.metric('poller_gate_state{state="closed"') == 1, "the gate closes")
        for name in ("PollerGateClosed", "PollerDeliveriesFailing", "PollerNoProgress"):
            self.alert(name)
        # Longer than five tries and their backoff would take: the outage costs no receive.
        time.sleep(max(0.0, 20 - (time.monotonic() - absent)))
        self.mark("target")
        self.stack.compose("up", "-d", "--no-deps", "sink")
        until(self.stack.sink, "the sink")
        self.assertEqual(0, self.delivered(60)["duplicates"])
        self.assertEqual(0, self.stack.depth("orders-dlq"))

    def test_03_what_the_target_rejects_goes_to_the_dead_letter_queue_and_comes_back(self):
        self.mark("it rejects")
        self.stack.compose("up", "-d", "--no-deps", "sink", SINK_STATUS="422")
        until(self.stack.sink, "the sink")
        self.stack.load(4)
        self.alert("PollerDeadLetterQueueGrowing", 60)
        until(lambda: self.stack.depth("orders-dlq") == 4, "all 4 in the dead-letter queue", 60)
        self.assertEqual(0, self.stack.depth("orders-queue"))

        # A fifth in a row, and it is the target's trouble: the others are held.
        self.stack.load(60)
        until(lambda: "rejects everything" in json.loads(get(self.stack.url("poller") + "/status.json"))["verdict"]["text"], "the page says that it rejects everything", 30)
        self.alert("PollerGateClosed")
        self.assertEqual(4, self.stack.depth("orders-dlq"))
        self.stack.compose("up", "-d", "--no-deps", "sink")
        until(self.stack.sink, "the sink")
        self.stack.aws("sqs", "start-message-move-task", "--source-arn", "arn:aws:sqs:us-east-1:000000000000:orders-dlq")
        self.assertEqual(0, self.delivered(64)["duplicates"])

    def test_04_compose_up_build_wait(self):
        self.mark("all anew")
        self.stack.compose("rm", "-sf", "localstack", "poller", "sink")
        began = time.monotonic()
        self.stack.compose("up", "--build", "--wait", "--wait-timeout", "180", *SERVICES)
        self.say(f"up --build --wait in {time.monotonic() - began:.0f} s,")
        self.assertTrue(self.ready())
        status, text = self.curl('{"order": 1}')
        self.assertEqual(202, status)
        self.assertIn("messageId", json.loads(text))
        self.delivered(1)

    def curl(self, body: str) -> tuple[int, str]:
        """As docs/compose.md says it."""
        done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-d", body, self.stack.gateway()],
                              check=False, capture_output=True, text=True, timeout=30)
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    def test_05_a_thousand_requests_each_delivered_once_at_the_pace(self):
        self.mark("1,000 requests")
        self.stack.forget()
        before = self.stack.metric('poller_messages_settled_total{outcome="delivered"')
        answers = self.stack.load(1000)
        self.assertEqual({"202": 1000}, answers["answers"])
        stats = self.delivered(1000)
        self.assertEqual((1000, 0), (stats["received"], stats["duplicates"]))
        self.never_overrun(stats)
        self.say(f"posted in {answers['seconds']} s, at most {stats['per_second_max']} in any second and {stats['at_once_max']} at once,")
        self.assertEqual(1000, self.stack.metric('poller_messages_settled_total{outcome="delivered"') - before)
        until(lambda: float(self.stack.instant("sum(poller_messages_settled_total{outcome='delivered'})")[0]["value"][1]) >= before + 1000, "the count in Prometheus", 20)

    def test_06_kill_9_loses_nothing(self):
        self.mark("200, kill -9")
        self.stack.forget()
        self.stack.load(200)
        until(lambda: self.stack.sink()["accepted"] > 60, "in the middle of it")
        restarts = self.stack.inspect("poller")["RestartCount"]
        self.kill(self.stack.inspect("poller")["State"]["Pid"])
        until(lambda: self.stack.inspect("poller")["RestartCount"] > restarts, "the engine starts it anew")
        stats = self.delivered(200)
        self.say(f"{stats['duplicates']} delivered again,")
        self.assertLessEqual(stats["duplicates"], 20)
        self.assertEqual(0, self.stack.depth("orders-dlq"))
        self.never_overrun(stats)

    @staticmethod
    def kill(pid: int) -> None:
        """The process, not the container: the engine does not start anew what `docker kill` ended."""
        if "/poller" not in Path(f"/proc/{pid}/cmdline").read_text():
            raise AssertionError(f"{pid} is not the poller: run this where the engine runs")
        os.kill(pid, signal.SIGKILL)

    def test_07_stop_drains_and_exits_with_0(self):
        self.mark("stopped")
        self.stack.forget()
        self.stack.load(150)
        until(lambda: self.stack.sink()["accepted"] > 20, "in the middle of it")
        began = time.monotonic()
        self.stack.compose("stop", "poller")
        self.say(f"drained in {time.monotonic() - began:.1f} s,")
        self.assertEqual(0, self.stack.inspect("poller")["State"]["ExitCode"])
        stats = self.stack.sink()
        self.assertEqual(0, stats["duplicates"])
        self.assertEqual(0, stats["at_once"])
        self.assertEqual(150, stats["accepted"] + self.stack.depth("orders-queue"), "what was not delivered is in the queue")
        began = time.monotonic()
        self.stack.compose("stop")
        self.say(f"the rest stopped in {time.monotonic() - began:.1f} s,")
        for service in ("sink", "prometheus"):
            self.assertEqual(0, self.stack.inspect(service)["State"]["ExitCode"], service)
        self.stack.compose("up", "-d", "--wait", "--wait-timeout", "120", *SERVICES)

    def test_08_frozen_for_longer_than_the_visibility_it_loses_messages_to_nobody(self):
        frozen = max(VISIBILITY, OBJECTIVE) + 15  # what it has in hand becomes visible, and the rest is late by any scrape
        self.mark(f"400, frozen {frozen} s")
        self.stack.forget()
        self.stack.load(400)
        lost = self.stack.metric('poller_messages_settled_total{outcome="abandoned"')
        self.stack.compose("pause", "poller")
        time.sleep(frozen)
        self.alert("PollerDown", 10)
        self.stack.compose("unpause", "poller")
        until(lambda: self.stack.metric('poller_messages_settled_total{outcome="abandoned"') > lost, "what was in hand is somebody else's", 20)
        stats = self.delivered(400)
        self.say(f"{stats['duplicates']} delivered again,")
        self.assertLessEqual(stats["duplicates"], 20)
        self.alert("PollerOwnershipLost")
        self.alert_over_the_run("PollerLagOverObjective")

    def alert_over_the_run(self, name: str) -> None:
        (rule,) = [rule for rule in test_files.rules("alert") if rule["alert"] == name]
        until(lambda: self.stack.over_the_run(rule["expr"]), name, 10)

    def test_09_sqs_is_started_anew(self):
        self.mark("SQS anew")
        self.stack.forget()
        self.stack.compose("stop", "localstack")
        self.alert("PollerSQSFailing", 90)  # its minute must be over in which all was well
        self.stack.compose("start", "localstack")
        until(lambda: self.stack.gateway(), "the hook deploys the stack anew", 90)
        self.stack.load(20)
        self.delivered(20)
        self.assertTrue(self.ready())

    def test_10_the_queue_is_deleted_and_made_again(self):
        self.mark("queue deleted")
        url = "http://localhost:4566/000000000000/orders-queue"
        self.stack.forget()
        self.stack.load(100)
        attributes = self.stack.aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "VisibilityTimeout", "RedrivePolicy")["Attributes"]
        self.stack.compose("exec", "-T", "localstack", "awslocal", "sqs", "delete-queue", "--queue-url", url)
        # Of all that SQS refuses now the first is told: a delete, if one was on its way.
        until(lambda: "on orders-queue: " in self.why_not_ready(), "not ready, with the reason", 40)
        self.alert("PollerSQSRefused")
        self.assertEqual("running", self.stack.inspect("poller")["State"]["Status"])
        self.stack.aws("sqs", "create-queue", "--queue-name", "orders-queue", "--attributes", json.dumps(attributes))
        until(lambda: self.stack.sink()["per_second"] == 0, "what was in hand is delivered")
        self.stack.forget()
        self.stack.load(20)
        self.delivered(20)
        self.assertEqual("", self.why_not_ready())

    def test_11_every_panel_and_rule_has_data(self):
        rules = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in test_files.rules("alert") + test_files.rules("record")]
        records = [(f"as recorded: {rule['record']}", rule["record"]) for rule in test_files.rules("record")]
        # The fleet's are not of this stack: test_fleet.py starts one. Nor has its target quotas, --adaptive or --batch.
        others = ("in-depth: Fleet: ", "in-depth: Limits: ", "in-depth: Batches: ")
        queries = [(name, expr) for name, expr in dashboards.queries() if not name.startswith(others)]
        empty = [name for name, expr in queries + rules + records if not self.has_data(expr)]
        self.say(f"{len(dashboards.queries())} panels' queries, {len(rules)} rules,")
        # LocalStack refuses nobody a delete, so nothing of this run fires that one: promtool's test does.
        self.assertEqual({"PollerNotDeleted", "PollerQuotaUsedUp", "PollerTargetQuotaUsedUp", "PollerFleetStopped", "PollerFleetCoordinatorDown"}, set(empty))
        self.assertTrue(self.has_data('poller_queue_blocked{reason="unsettled"}'))
        health = [(rule["name"], rule["health"], rule.get("lastError", "")) for group in self.stack.prometheus("rules")["groups"] for rule in group["rules"]]
        self.assertEqual([], [h for h in health if h[1] != "ok"])
        if path := os.environ.get("COMPOSE_DATA"):
            Path(path).write_text(json.dumps(self.data()))

    def has_data(self, expr: str) -> bool:
        return any(not math.isnan(float(value)) for series in self.stack.over_the_run(expr) for _, value in series["values"])

    def data(self) -> dict:
        """What draw.py makes a picture of."""
        panels = {name: self.stack.over_the_run(dashboards.filled(panel["targets"][0]["expr"]))
                for name, panel in dashboards.panels() if name.startswith("on-call") and panel["type"] == "timeseries"}
        return {"began": self.stack.began, "ended": time.time(), "marks": self.marks, "panels": panels}

    def test_12_a_taken_port_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            try:
                done = docker("compose", "-p", f"{PROJECT}-port", "up", "-d", "--no-deps", "prometheus", check=False,
                              env=os.environ | {"PROMETHEUS_PORT": str(port)})
            finally:
                docker("compose", "-p", f"{PROJECT}-port", "down", "-v")
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stderr, rf"{port}.*(already in use|already allocated)")
