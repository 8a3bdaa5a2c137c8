"""docker compose, under a project's name and on ports that nothing else has."""

import json
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "poller-proof"
PUBLISHED = ["LOCALSTACK_PORT", "POLLER_PORT", "SINK_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT"]
# Grafana's image is the one that cannot be built or stood in for everywhere; nothing depends on it.
SERVICES = ["localstack", "poller", "sink", "prometheus"]


def docker(*args: str, check: bool = True, timeout: float = 300, env: dict | None = None) -> subprocess.CompletedProcess:
    done = subprocess.run(["docker", *args], check=False, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(args)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done


def free_ports() -> dict[str, str]:
    """Below the range that the system gives out for connections: nobody takes one before its container starts."""
    sockets, ports = [], {}
    for port in random.sample(range(20000, 30000), 1000):
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            s.close()
            continue
        sockets.append(s)
        ports[PUBLISHED[len(ports)]] = str(port)
        if len(ports) == len(PUBLISHED):
            break
    for s in sockets:
        s.close()
    return ports


def get(url: str, method: str = "GET", timeout: float = 5) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=timeout) as answer:
        return answer.read().decode()


def until(done, what: str, seconds: float = 60, every: float = 0.25):
    """What done gives, once it is true; what goes wrong on the way is waited through."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if value := done():
                return value
            last = None
        except (OSError, AssertionError, ValueError, LookupError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"not within {seconds:.0f} s: {what}" + (f" ({last})" if last else ""))


class Stack:
    def __init__(self, project: str = PROJECT):
        self.project = project
        self.ports = free_ports()
        self.began = time.time()

    def compose(self, *args: str, check: bool = True, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess:
        return docker("compose", "-p", self.project, *args, check=check, timeout=timeout, env=os.environ | self.ports | variables)

    def container(self, service: str) -> str:
        return self.compose("ps", "-aq", service).stdout.strip()

    def inspect(self, service: str) -> dict:
        return json.loads(docker("inspect", self.container(service)).stdout)[0]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service.upper() + '_PORT']}"

    def sink(self) -> dict:
        return json.loads(get(self.url("sink") + "/stats"))

    def forget(self) -> None:
        get(self.url("sink") + "/stats", "DELETE")

    def load(self, requests: int) -> dict:
        """As many through the gateway by the profile's own service; each must be accepted."""
        return json.loads(self.compose("run", "--rm", "-T", "load", "--requests", str(requests)).stdout)

    def gateway(self) -> str:
        return self.compose("exec", "-T", "localstack", "cat", "/tmp/gateway.url").stdout.strip()

    def aws(self, *args: str) -> dict:
        return json.loads(self.compose("exec", "-T", "localstack", "awslocal", *args, "--output", "json").stdout or "{}")

    def depth(self, queue: str) -> int:
        """Everything that is in the queue: visible, in flight, delayed."""
        url = f"http://localhost:4566/000000000000/{queue}"
        names = ["", "NotVisible", "Delayed"]
        attributes = self.aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names",
                              *[f"ApproximateNumberOfMessages{n}" for n in names])["Attributes"]
        return sum(int(value) for value in attributes.values())

    def metric(self, name: str) -> float:
        """Of the daemon itself, all its label values with that beginning added up."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in get(self.url("poller") + "/metrics").splitlines() if line.startswith(name))

    def prometheus(self, path: str, **query: str) -> dict:
        return json.loads(get(f"{self.url('prometheus')}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30))["data"]

    def instant(self, expr: str) -> list:
        return self.prometheus("query", query=expr)["result"]

    def over_the_run(self, expr: str) -> list:
        """Each 5 s since the stack began."""
        return self.prometheus("query_range", query=expr, start=f"{self.began:.0f}", end=f"{time.time():.0f}", step="5")["result"]
