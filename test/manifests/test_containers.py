"""The image under the manifest's security context, memory limit, arguments and files: under load, stopped and killed."""

import json
import subprocess
import tempfile
import time
import unittest
import urllib.request
import uuid
from pathlib import Path

from daemon import Bench, free_port, get, until
from manifests import FULL, ROOT, chart, pod, worker

TAG = "poller:manifests"
BUDGET = 60  # a second, over all replicas


def docker(*args: str, check: bool = True, timeout: float = 120) -> str:
    done = subprocess.run(["docker", *args], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(args)}: {done.stderr[-2000:]}")
    return done.stdout + done.stderr


class Containers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        docker("build", "-q", "-t", TAG, ".", timeout=600)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.folder.chmod(0o755)
        self.bench = Bench(self.folder, visibility="5s", latency="200ms")
        self.addCleanup(self.bench.close)

    def start(self, replicas: int) -> list[tuple[str, int, int]]:
        """The chart's replicas, each with its share: name, port, grace period."""
        return [self.replica(replicas, number) for number in range(replicas)]

    def replica(self, replicas: int, number: int) -> tuple[str, int, int]:
        port = free_port()
        parts = chart({"queue": self.bench.queue_url, "port": port, "region": "us-east-1", "replicas": replicas, "autoscaling": {"enabled": False},
                       "target": {"url": self.bench.target_url, "rate": f"{BUDGET}/s", "concurrency": 40}}, FULL)
        container, spec = worker(parts), pod(parts)
        settings = self.folder / f"settings-{number}"
        settings.mkdir()
        (settings / "poller.yaml").write_text(parts["ConfigMap"]["data"]["poller.yaml"])
        secret = self.folder / f"secret-{number}"
        secret.mkdir()
        (secret / "authorization").write_text("Bearer hunter2\n")
        # As the kubelet does it: the Secret's mode, and the pod's fsGroup.
        (mode,) = [v["secret"]["defaultMode"] for v in spec["volumes"] if "secret" in v]
        subprocess.run(["chgrp", "-R", str(spec["securityContext"]["fsGroup"]), str(secret)], check=True)
        (secret / "authorization").chmod(mode)

        context = container["securityContext"]
        self.assertIs(False, context["allowPrivilegeEscalation"])
        name = f"poller-manifests-{uuid.uuid4().hex[:8]}"
        flags = ["--user", f"{context['runAsUser']}:{context['runAsGroup']}", "--group-add", str(spec["securityContext"]["fsGroup"]),
                 *["--read-only"] * context["readOnlyRootFilesystem"], "--security-opt", "no-new-privileges",
                 *[flag for capability in context["capabilities"]["drop"] for flag in ("--cap-drop", capability)],
                 "--memory", container["resources"]["limits"]["memory"].removesuffix("i").lower(), "--no-healthcheck",
                 # A pod's containers share a network; here it is the machine's, with the queue and the target on it.
                 "--network", "host", "-v", f"{settings}:/etc/poller:ro", "-v", f"{secret}:/run/secrets/partner:ro"]
        for variable in container["env"]:
            if variable["name"] != "HTTPS_PROXY":
                flags += ["-e", f"{variable['name']}={variable['value']}"]
        for key, value in self.bench.env.items():
            flags += ["-e", f"{key}={value}"]
        docker("run", "-d", "--name", name, *flags, TAG, *container["args"])
        self.addCleanup(docker, "rm", "-f", name)
        until(lambda: get(f"http://127.0.0.1:{port}/-/ready"), f"{name} is ready")
        return name, port, spec["terminationGracePeriodSeconds"]

    def stop(self, grace: int, *names: str) -> None:
        """What the kubelet does: SIGTERM, and SIGKILL after the grace period."""
        began = time.monotonic()
        docker("stop", "-t", str(grace), *names)
        self.assertLess(time.monotonic() - began, grace, "it was killed")
        for name in names:
            self.assertEqual("0 false", docker("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}}", name).strip(), docker("logs", name)[-2000:])

    def left(self) -> dict[str, int]:
        body = json.dumps({"QueueUrl": self.bench.queue_url, "AttributeNames": ["All"]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.bench.sqs}/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.GetQueueAttributes"})
        with urllib.request.urlopen(request) as answer:
            attributes = json.loads(answer.read())["Attributes"]
        return {state: int(attributes[f"ApproximateNumberOfMessages{state}"]) for state in ("", "NotVisible", "Delayed")}

    def distinct(self) -> int:
        stats = self.bench.stats()
        return stats["accepted"] - stats["duplicates"]

    def test_stopped_under_load_it_strands_nothing(self):
        self.bench.send(400)
        ((name, _, grace),) = self.start(1)
        until(lambda: self.distinct() > 60, "deliveries")
        self.stop(grace, name)
        delivered, left = self.distinct(), self.left()
        self.assertLess(delivered, 400, "there was no load any more")
        self.assertEqual({"": 400 - delivered, "NotVisible": 0, "Delayed": 0}, left)
        self.assertEqual(0, self.bench.stats()["duplicates"])

    def test_several_on_one_queue_lose_nothing_and_keep_the_budget(self):
        for replicas in (2, 4):
            with self.subTest(replicas):
                before = self.distinct()
                self.bench.send(600)
                started = self.start(replicas)
                for kind, whole in (("rate", BUDGET), ("concurrency", 40)):
                    line = f'poller_pace_limit{{kind="{kind}",target="default"}} {whole // replicas}\n'
                    for _, port, _ in started:
                        self.assertIn(line, get(f"http://127.0.0.1:{port}/metrics"), "its share")
                killed, scaled, *rest = started
                until(lambda before=before: self.distinct() > before + 100, "deliveries")
                docker("kill", killed[0])
                if rest:
                    self.stop(scaled[2], scaled[0])
                else:
                    rest = [scaled]
                until(lambda before=before: self.distinct() == before + 600, f"every message, {self.left()}", 90)
                until(lambda: not any(self.left().values()), "an empty queue")
                self.stop(rest[0][2], *[name for name, _, _ in rest])
                # A second may have each replica's burst, and what the machine held up.
                self.assertLessEqual(self.bench.stats()["per_second_max"], BUDGET + replicas + 6)
                for number in range(replicas):
                    subprocess.run(["rm", "-r", str(self.folder / f"settings-{number}"), str(self.folder / f"secret-{number}")], check=True)
