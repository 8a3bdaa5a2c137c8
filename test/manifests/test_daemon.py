"""The daemon takes the arguments, variables and files of every manifest, without a warning, delivers by them and drains."""

import itertools
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from daemon import Bench, free_port, get, until
from manifests import ECS, FULL, KUBERNETES, LAMBDA_FUNCTION, LAMBDA_SIDECAR, MINIMAL, QUEUE, SCHEDULE, Stack, chart, objects, pod, seconds, settings, succeed, worker


class Daemon(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.bench = Bench(self.folder)
        self.addCleanup(self.bench.close)
        self.port = free_port()

    def delivers(self, *args: str, env: dict[str, str]) -> list[dict]:
        """Ten messages by the daemon, which then drains; gives what it logged."""
        before = self.bench.stats()["accepted"]
        self.bench.send(10)
        daemon = self.bench.start(*args, env=env)
        until(lambda: get(f"http://127.0.0.1:{self.port}/-/ready"), f"ready\n{daemon.said()}")
        until(lambda: self.bench.stats()["accepted"] == before + 10, f"ten deliveries\n{daemon.said()}")
        self.assertEqual(0, self.bench.drain(daemon), daemon.said())
        self.assertEqual(before + 11, self.bench.stats()["accepted"])
        return self.quiet(daemon.lines())

    def quiet(self, lines: list[dict]) -> list[dict]:
        self.assertTrue(lines)
        self.assertEqual([], [line for line in lines if line["level"] in ("WARN", "ERROR")])
        return lines

    def files(self, parts: dict[str, dict]) -> tuple[list[str], dict[str, str]]:
        """A Deployment's arguments and variables, its files put into a folder here."""
        (self.folder / "poller.yaml").write_text(parts["ConfigMap"]["data"]["poller.yaml"])
        secret = self.folder / "secrets"
        secret.mkdir(exist_ok=True)
        (secret / "authorization").write_text("Bearer hunter2\n")
        file = self.folder / "poller.yaml"
        file.write_text(file.read_text().replace("@/run/secrets/partner/", f"@{secret}/"))
        container = worker(parts)
        env = {e["name"]: e["value"] for e in container["env"] if e["name"] != "HTTPS_PROXY"}
        env["POLLER_CONFIG"] = env["POLLER_CONFIG"].replace("/etc/poller", str(self.folder))
        return container["args"], env

    def test_the_chart_s(self):
        for base in (MINIMAL, FULL):
            parts = chart({"queue": self.bench.queue_url, "port": self.port, "region": "us-east-1", "target": {"url": self.bench.target_url},
                           "autoscaling": {"awsRegion": "us-east-1", "trigger": "lag"}}, base)
            args, env = self.files(parts)
            self.delivers(*args, env=env)

    def test_several_queues_and_targets_of_the_chart(self):
        target = {"url": self.bench.target_url, "rate": "100/m", "concurrency": 4, "burst": 10, "on_rejected": "discard"}
        parts = chart({"queue": "", "target": {"url": ""}, "queues": [{"queue": self.bench.queue_url, "target": "partner", "weight": 2}],
                       "targets": {"partner": target}, "port": self.port, "replicas": 2})
        args, env = self.files(parts)
        self.bench.send(3)
        daemon = self.bench.start(*args, env=env)
        until(lambda: self.bench.stats()["accepted"] == 3, f"three deliveries\n{daemon.said()}")
        self.assertEqual(0, self.bench.drain(daemon), daemon.said())
        self.shares(self.quiet(daemon.lines()), "50/m", 2, 5)

    def shares(self, lines: list[dict], rate: str, concurrency: int, burst: int) -> None:
        """By the daemon's first line: what it was given is the budget of all."""
        self.assertEqual((rate, concurrency, burst), tuple(lines[0][key] for key in ("rate", "concurrency", "burst")))

    def test_kustomize_s(self):
        for folder in ("base", "example"):
            parts = objects(succeed("kustomize", "build", str(KUBERNETES / folder)))
            file = yaml.safe_load(parts["ConfigMap"]["data"]["poller.yaml"])
            file["queues"][0]["queue"], file["targets"]["default"]["url"], file["listen"] = self.bench.queue_url, self.bench.target_url, f":{self.port}"
            parts["ConfigMap"]["data"]["poller.yaml"] = yaml.safe_dump(file)
            args, env = self.files(parts)
            self.delivers(*args, env=env)

    def stack(self, path: Path, **parameters: str) -> tuple[list[str], dict[str, str]]:
        container = Stack(path, **QUEUE | {"QueueUrl": self.bench.queue_url, "TargetUrl": self.bench.target_url} | parameters).container("poller")
        env = {e["Name"]: str(e["Value"]) for e in container["Environment"]}
        self.assertEqual("${AWS::Region}", env.pop("AWS_REGION"))
        return container["Command"], env | {"POLLER_LISTEN": f":{self.port}"}

    def test_the_service_s_on_ecs(self):
        for parameters, share in [({"Rate": "28/s"}, ("28/s", 10, 1)),
                                  ({"Rate": "28/s", "Concurrency": "9", "MaxTasks": "4", "DrainTimeout": "110", "OnRejected": "discard"}, ("7/s", 2, 1))]:
            args, env = self.stack(ECS, **parameters)
            self.shares(self.delivers(*args, env=env | {"POLLER_HEADER": "Authorization: Bearer hunter2"}), *share)

    def test_the_pace_on_ecs(self):
        for path in (ECS, SCHEDULE):
            for parameters, quotas, adaptive in [({}, "none", False), ({"Quota": "100/m,2000/d", "Adaptive": "true"}, "100/m, 2000/d", True)]:
                args, env = self.stack(path, **parameters)
                run = self.bench.start(*args, env=env)
                until(run.lines, f"its first line\n{run.said()}")
                run.kill()
                self.assertEqual((quotas, adaptive), tuple(run.lines()[0][key] for key in ("quotas", "adaptive")))

    def test_the_coordinator_on_ecs_or_its_absence(self):
        """Which cannot be reached here: what counts is that poller takes the URL and the name."""
        secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf"
        for path, parameters in itertools.product((ECS, SCHEDULE), ({}, {"FleetRedisUrl": "redis://127.0.0.1:1"}, {"FleetRedisSecretArn": secret}, {"FleetCacheNodeType": "cache.t4g.micro"})):
            if path == SCHEDULE and "FleetCacheNodeType" in parameters:
                continue
            args, env = self.stack(path, Rate="28/s", **parameters)
            env = {name: value.replace("${AWS::StackName}", "orders-worker") for name, value in env.items()}
            # What ECS reads from a secret, in the form that the stack's own has.
            if any(s["Name"] == "POLLER_FLEET_REDIS" for s in self.secrets(path, parameters)):
                env["POLLER_FLEET_REDIS"] = f"rediss://:{'aZ09' * 16}@127.0.0.1:1"
            run = self.bench.start(*args, env=env)
            until(run.lines, f"its first line\n{run.said()}")
            run.kill()
            says = {"": "none", "FleetRedisUrl": "orders-worker on redis://127.0.0.1:1"}.get(next(iter(parameters), ""), "orders-worker on rediss://127.0.0.1:1")
            self.assertEqual(says, run.lines()[0]["fleet"], parameters)
            self.assertNotIn("aZ09", run.said())

    def secrets(self, path: Path, parameters: dict[str, str]) -> list[dict]:
        return Stack(path, **QUEUE | parameters).container("poller").get("Secrets", [])

    def operates(self, args: list[str], env: dict[str, str], ours: dict[str, str] | None, *where: str) -> None:
        """The daemon of a manifest is paused and resumed as docs say, with its variables or only those given."""
        daemon = self.bench.start(*args, env=env)
        until(lambda: get(f"http://127.0.0.1:{self.port}/-/ready"), f"ready\n{daemon.said()}")
        for verb, says in {"pause": "paused until resume", "resume": "pause lifted"}.items():
            done = subprocess.run(["poller", verb, "--by", "ada", *where], env={"PATH": os.environ["PATH"]} | (ours or env), capture_output=True, text=True, timeout=30)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertIn(says, done.stdout)
        self.assertEqual(0, self.bench.drain(daemon), daemon.said())

    def test_an_operator_pauses_what_the_chart_and_the_service_on_ecs_run(self):
        token = "0123456789abcdef0123"
        parts = chart({"queue": self.bench.queue_url, "port": self.port, "region": "us-east-1", "target": {"url": self.bench.target_url},
                       "secretFiles": {"control": "poller-control"}, "controlToken": "@/run/secrets/control/token"})
        (self.folder / "token").write_text(token + "\n")
        args, env = self.files(parts)
        self.assertIn({"name": "secret-control", "mountPath": "/run/secrets/control", "readOnly": True}, worker(parts)["volumeMounts"])
        file = self.folder / "poller.yaml"
        file.write_text(file.read_text().replace("@/run/secrets/control/token", f"@{self.folder}/token"))
        # kubectl exec: with the container's variables, and no flag.
        self.operates(args, env, None)
        # From a machine that reaches the task, which knows nothing but the token and the address.
        args, env = self.stack(ECS, ControlTokenSecretArn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:c-AbCdEf")
        secret = {"POLLER_CONTROL_TOKEN": token}
        self.operates(args, env | secret, secret, "--listen", f"127.0.0.1:{self.port}")

    def invokes(self, *args: str, env: dict[str, str]) -> list[dict]:
        """Ten messages to a sink that is a function; gives what the daemon logged."""
        self.bench.send(10)
        daemon = self.bench.start(*args, env=env)
        delivered = lambda: sum(float(line.rsplit(" ", 1)[1]) for line in get(f"http://127.0.0.1:{self.port}/metrics").splitlines()
                                if line.startswith('poller_messages_settled_total{outcome="delivered"'))
        until(lambda: delivered() == 10, f"ten messages delivered\n{daemon.said()}\n{self.bench.stats()}")
        self.assertEqual(0, self.bench.drain(daemon), daemon.said())
        self.assertEqual(0, self.bench.stats()["refused"].get("form", 0), self.bench.programs[1].said())
        return self.quiet(daemon.lines())

    def of_a_function(self, *verify: str) -> None:
        """A bench whose target is a function."""
        self.bench.close()
        folder = self.folder / "function"
        folder.mkdir(exist_ok=True)
        self.bench = Bench(folder, sink=("--format", "lambda", *verify))
        self.addCleanup(self.bench.close)

    def test_a_function_s_image_as_a_sidecar(self):
        self.of_a_function()
        invocations = f"http://127.0.0.1:{self.bench.target}/2015-03-31/functions/function/invocations"
        parts = chart({"queue": self.bench.queue_url, "port": self.port, "region": "us-east-1", "target": {"url": invocations}}, LAMBDA_SIDECAR)
        (sidecar,) = pod(parts)["initContainers"]
        self.assertEqual("function", sidecar["name"])
        variables = {e["name"]: e["value"] for e in sidecar["env"]}
        self.assertLess(int(variables["AWS_LAMBDA_FUNCTION_TIMEOUT"]), seconds(settings(parts)["targets"]["default"]["timeout"]))
        args, env = self.files(parts)
        self.assertEqual(1, self.invokes(*args, env=env)[0]["concurrency"], "the emulator runs one at a time")
        args, env = self.stack(ECS, Format="lambda", TargetUrl=invocations, SidecarImage="orders-function:1", Concurrency="4", MaxTasks="4")
        self.assertEqual(1, self.invokes(*args, env=env)[0]["concurrency"])

    def test_a_function_in_lambda(self):
        self.of_a_function("--verify", "aws=lambda")
        invocations = f"http://127.0.0.1:{self.bench.target}/2015-03-31/functions/orders/invocations"
        parts = chart({"queue": self.bench.queue_url, "port": self.port, "region": "us-east-1", "target": {"url": invocations}}, LAMBDA_FUNCTION)
        args, env = self.files(parts)
        self.invokes(*args, env=env)
        args, env = self.stack(ECS, TargetUrl="", FunctionArn="arn:aws:lambda:us-east-1:123456789012:function:orders:prod")
        wanted = "https://lambda.us-east-1.${AWS::URLSuffix}/2015-03-31/functions/orders:prod/invocations"
        self.assertEqual(wanted, env["POLLER_TARGET"])
        self.invokes(*args, env=env | {"POLLER_TARGET": invocations.replace("orders", "orders:prod")})

    def test_a_batch_is_as_large_as_the_chart_and_the_templates_say(self):
        """Of ten messages that wait two go into a request, so there are five requests, or more."""
        self.of_a_function()
        invocations = f"http://127.0.0.1:{self.bench.target}/2015-03-31/functions/function/invocations"
        target = {"url": invocations, "format": "lambda", "batch": 2, "batch_wait": "100ms"}
        ways = [self.files(chart({"queue": self.bench.queue_url, "port": self.port, "region": "us-east-1", "target": target}))]
        ways += [self.stack(path, Format="lambda", TargetUrl=invocations, Batch="2", BatchWait="100ms", **idle) for path, idle in ((ECS, {}), (SCHEDULE, {"Idle": "1s"}))]
        for args, env in ways:
            before = self.bench.stats()
            self.bench.send(10)
            run = self.bench.start(*args, env=env)
            until(lambda before=before: self.bench.stats()["messages"] == before["messages"] + 10, f"ten messages\n{run.said()}")
            self.assertGreaterEqual(self.bench.stats()["accepted"] - before["accepted"], 5)
            self.assertEqual(0, run.wait(30) if args[0] == "drain" else self.bench.drain(run), run.said())

    def test_several_queues_of_a_file_on_ecs(self):
        """What the container config writes is what poller reads; its folder is here."""
        file = {"queues": [{"queue": self.bench.queue_url, "target": "partner"}],
                "targets": {"partner": {"url": self.bench.target_url, "rate": "28/s", "headers": {"Authorization": "@/run/poller/header"}}}}
        for path in (ECS, SCHEDULE):
            stack = Stack(path, **QUEUE, ConfigSecretArn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf",
                          TargetHeaderSecretArn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:b-AbCdEf")
            text = yaml.safe_dump(file).replace("/run/poller", str(self.folder))
            shell, flags, script = stack.container("config")["Command"]
            subprocess.run([shell, flags, script.replace("/run/poller", str(self.folder))], check=True,
                           env={"CONFIG": text, "HEADER": "Bearer hunter2"})
            env = {name: value.replace("/run/poller", str(self.folder)) for name, value in stack.environment("poller").items()} | {
                "POLLER_LISTEN": f":{self.port}"}
            del env["AWS_REGION"]
            self.assertEqual("Bearer hunter2\n", (self.folder / "header").read_text())
            if path == ECS:
                self.shares(self.delivers(*stack.container("poller")["Command"], env=env), "28/s", 10, 1)
            else:
                self.bench.send(5)
                run = self.bench.start("drain", "--idle", "1s", env=env)
                self.assertEqual(0, run.wait(60), run.said())
                self.quiet(run.lines())

    def test_a_service_of_more_tasks_than_deliveries_does_not_start_and_says_why(self):
        args, env = self.stack(ECS, Concurrency="3", MaxTasks="4")
        task = self.bench.start(*args, env=env)
        self.assertEqual(1, task.wait(30))
        self.assertIn("POLLER_CONCURRENCY: 3 is less than one concurrent delivery for each of the 4 replicas in POLLER_FLEET_REPLICAS", task.said())

    def test_the_schedule_s_on_ecs(self):
        args, env = self.stack(SCHEDULE, Idle="1s", Rate="100/s")
        self.bench.send(25)
        run = self.bench.start(*args, env=env)
        self.assertEqual(0, run.wait(60), run.said())
        self.assertEqual(25, self.bench.stats()["accepted"])
        self.quiet(run.lines())

    def test_a_run_of_the_schedule_whose_time_is_out_says_so_and_leaves_the_rest(self):
        args, env = self.stack(SCHEDULE, MaxDuration="2s", Rate="1/s")
        self.bench.send(25)
        run = self.bench.start(*args, env=env)
        self.assertEqual(4, run.wait(60), run.said())
        self.assertLess(self.bench.stats()["accepted"], 10)

    def test_the_reload_sidecar_puts_a_new_rate_in_force_without_a_restart(self):
        """In a process namespace of its own, as a pod's: the sidecar looks for poller by name."""
        parts = chart({"queue": self.bench.queue_url, "port": self.port, "region": "us-east-1", "target": {"url": self.bench.target_url},
                       "reload": {"mode": "sighup"}})
        args, env = self.files(parts)
        (sidecar,) = pod(parts)["initContainers"]
        self.assertTrue(pod(parts)["shareProcessNamespace"])
        # As the kubelet writes a ConfigMap: the file is a link through ..data, which is replaced as a whole.
        for version, rate in (("1", "28/s"), ("2", "14/s")):
            (self.folder / version).mkdir()
            text = (self.folder / "poller.yaml").read_text()
            self.assertIn("28/s", text)
            (self.folder / version / "poller.yaml").write_text(text.replace("28/s", rate))
        (self.folder / "poller.yaml").unlink()
        (self.folder / "..data").symlink_to("1")
        (self.folder / "poller.yaml").symlink_to("..data/poller.yaml")
        script = sidecar["args"][0].replace("/etc/poller", str(self.folder))
        daemon = self.bench.start(*args, env=env, within=["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", f'({script}) & exec "$@"', "sh"])
        until(lambda: get(f"http://127.0.0.1:{self.port}/-/ready"), f"ready\n{daemon.said()}")
        (self.folder / "..new").symlink_to("2")
        (self.folder / "..new").rename(self.folder / "..data")
        until(lambda: "the settings were read again" in daemon.said(), f"a SIGHUP\n{daemon.said()}")
        until(lambda: 'poller_pace_limit{kind="rate",target="default"} 14' in get(f"http://127.0.0.1:{self.port}/metrics"), "the new rate")
        daemon.process.kill()
