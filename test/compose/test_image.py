"""The image by itself."""

import io
import json
import os
import subprocess
import tarfile
import time
import unittest
from datetime import datetime
from pathlib import Path

from compose import docker, until

TAG = "poller:proof"
BASE = "gcr.io/distroless/static-debian12:nonroot"
LIMIT = 22_000_000


def layers(image: str) -> list[str]:
    return json.loads(docker("image", "inspect", image).stdout)[0]["RootFS"]["Layers"]


def files(image: str) -> dict[str, tarfile.TarInfo]:
    """Everything but folders, of an unpacked container."""
    name = docker("create", image, "/poller").stdout.strip()
    try:
        exported = subprocess.run(["docker", "export", name], check=True, capture_output=True).stdout
    finally:
        docker("rm", name)
    return {"/" + member.name: member for member in tarfile.open(fileobj=io.BytesIO(exported)) if not member.isdir()}


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        began = time.monotonic()
        docker("build", "-q", "--build-arg", "VERSION=1.2.3", "--build-arg", "COMMIT=0123abc", "-t", TAG, ".", timeout=600)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)

    def test_it_is_under_22_MB_unpacked(self):
        size = json.loads(docker("image", "inspect", TAG).stdout)[0]["Size"]
        print(f"{size / 1e6:.1f} MB", end=" ", flush=True)
        self.assertLess(size, LIMIT)

    def test_it_is_the_base_and_one_file(self):
        self.assertEqual(layers(BASE), layers(TAG)[:-1])
        base, mine = files(BASE), files(TAG)
        self.assertEqual({"/poller"}, {name for name in mine if name not in base and not name.startswith(("/dev/", "/etc/"))})
        self.assertFalse({name for name in base if name not in mine})

    def test_it_has_certificates_and_time_zones_and_no_other_program(self):
        mine = files(TAG)
        self.assertIn("/etc/ssl/certs/ca-certificates.crt", mine)
        self.assertIn("/usr/share/zoneinfo/Europe/Berlin", mine)
        self.assertEqual(["/poller"], [name for name, member in mine.items() if member.isreg() and member.size and member.mode & 0o111])

    def test_its_labels_user_and_health_check(self):
        config = json.loads(docker("image", "inspect", TAG).stdout)[0]["Config"]
        labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
        self.assertEqual(("poller", "1.2.3", "0123abc", "Apache-2.0"), tuple(labels[k] for k in ("title", "version", "revision", "licenses")))
        self.assertEqual("65532:65532", config["User"])
        self.assertEqual(["CMD", "/poller", "health"], config["Healthcheck"]["Test"])

    def test_it_runs_read_only_as_any_user_without_a_capability(self):
        text = docker("run", "--rm", "--read-only", "--user", "12345", "--cap-drop", "ALL", "--network", "none", TAG, "version").stdout
        self.assertIn("poller 1.2.3\n", text)

    def test_without_settings_it_says_what_is_missing(self):
        done = docker("run", "--rm", "--network", "none", TAG, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("--queue", done.stderr)

    def test_the_health_check_fails_where_no_daemon_runs(self):
        done = docker("run", "--rm", "--network", "none", TAG, "health", check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("is the daemon running", done.stderr)

    def test_from_the_container_s_start_to_the_first_receive(self):
        # SQS, the target and the daemon are containers of the one image on one loopback.
        names = [f"poller-proof-{part}" for part in ("sqs", "sink", "run")]
        hardened = ["--read-only", "--user", "12345", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        aws = ["AWS_ENDPOINT_URL_SQS=http://127.0.0.1:9324", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any"]
        beside = [*hardened, "--network", f"container:{names[0]}", *[word for variable in aws for word in ("-e", variable)]]
        docker("rm", "-f", *names, check=False)
        try:
            docker("run", "-d", "--name", names[0], "--network", "none", *hardened, TAG, "localsqs", "--queue", "orders")
            docker("run", "-d", "--name", names[1], *beside, TAG, "sink")
            docker("run", "--rm", *beside, TAG, "send", "--queue", "orders", "{}")
            docker("run", "-d", "--name", names[2], *beside, TAG, "run", "--queue", "orders", "--target", "http://127.0.0.1:8080/", "--log-level", "debug")
            lines = until(lambda: [line for line in docker("logs", names[2]).stderr.splitlines() if '"message_id"' in line], "a delivery in the log", 20)
            began = process_began(docker("inspect", "-f", "{{.State.Pid}}", names[2]).stdout.strip())
            until(lambda: docker("inspect", "-f", "{{.State.Health.Status}}", names[2]).stdout.strip() == "healthy", "healthy", 20)
        finally:
            docker("rm", "-f", *names, check=False)
        took = moment(json.loads(lines[0])["time"]) - began
        print(f"delivered {took * 1000:.0f} ms after the container's process began", end=" ", flush=True)
        self.assertGreater(took, 0)
        self.assertLess(took, 3)

    def test_an_operator_pauses_it_by_exec_on_a_read_only_root(self):
        # As kubectl exec does: the image has no shell, and the command finds port and token as the daemon did.
        names = [f"poller-proof-{part}" for part in ("exec-sqs", "exec-run")]
        aws = ["AWS_ENDPOINT_URL_SQS=http://127.0.0.1:9324", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any"]
        variables = [word for variable in [*aws, "POLLER_CONTROL_TOKEN=0123456789abcdef0123"] for word in ("-e", variable)]
        hardened = ["--read-only", "--user", "12345", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        docker("rm", "-f", *names, check=False)
        try:
            docker("run", "-d", "--name", names[0], "--network", "none", *hardened, TAG, "localsqs", "--queue", "orders")
            docker("run", "-d", "--name", names[1], *hardened, "--network", f"container:{names[0]}", *variables,
                   TAG, "run", "--queue", "orders", "--target", "http://127.0.0.1:8080/")
            until(lambda: docker("exec", names[1], "/poller", "health", check=False).returncode == 0, "healthy", 20)
            for args, says in {
                ("pause", "--by", "ada"): "target default: paused until resume; in force here: rate 0/s, burst 1, concurrency 10\n",
                ("held",): "Nothing is held.\n",
                ("resume", "--by", "ada"): "target default: pause lifted; in force here: no rate, concurrency 10\n",
                ("pace", "--rate", "10/s"): "target default: rate 10/s until resume; in force here: rate 10/s, burst 1, concurrency 10\n",
            }.items():
                self.assertEqual(says, docker("exec", names[1], "/poller", *args).stdout)
            other = docker("exec", "-e", "POLLER_CONTROL_TOKEN=another-token-of-16", names[1], "/poller", "pause", check=False)
            self.assertEqual(1, other.returncode)
            self.assertIn("has another control token", other.stderr)
        finally:
            docker("rm", "-f", *names, check=False)


def process_began(pid: str) -> float:
    """To 10 ms, and before the container was set up: the engine's own StartedAt is written after the start."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def moment(text: str) -> float:
    """Python reads no more than six digits."""
    whole, _, digits = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{digits[:6]:0<6}+00:00").timestamp()
