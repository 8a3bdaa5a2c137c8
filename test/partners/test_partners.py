"""The worker against partners that limit what they take: nginx (limit_req, limit_conn) and express-rate-limit, which
says in its answers what is left, in each of the forms that the field has. Nothing is refused that the settings or the
answers could tell, and a partner that is waited for is never taken for one that is down."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

POLLER, MODULES = os.environ["PARTNERS_POLLER"], os.environ["PARTNERS_MODULES"]
WAIT = 90  # seconds, for whatever has to come
ENVIRONMENT = os.environ | {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
                            "AWS_EC2_METADATA_DISABLED": "true"}


def asked(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class Partners(unittest.TestCase):
    def begin(self, *command: str, **environment: str) -> subprocess.Popen:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=ENVIRONMENT | environment)
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.terminate)
        return process

    def partner(self, **settings: str) -> str:
        """Starts express and gives its address."""
        process = self.begin("node", f"{MODULES}/partner.mjs", **settings)
        return f"http://127.0.0.1:{process.stdout.readline().strip()}"

    def behind_nginx(self, http: str, location: str) -> tuple[str, str]:
        """Starts nginx before a partner without limits, and gives the addresses of both."""
        behind, folder = self.partner(), tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        conf = Path(folder.name) / "nginx.conf"
        conf.write_text(f"""daemon off; pid nginx.pid; error_log stderr error;
events {{}}
http {{
  access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  {http}
  server {{ server_name partner; listen unix:{folder.name}/probe; listen 127.0.0.1:{(port := self.free_port())};
    location / {{ {location} proxy_pass {behind}; }} }}
}}""")
        self.begin("nginx", "-p", folder.name, "-c", str(conf), "-e", "stderr")
        self.until(lambda: self.reaches(port))
        return f"http://127.0.0.1:{port}", behind

    @staticmethod
    def free_port() -> int:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    @staticmethod
    def reaches(port: int) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def until(self, condition) -> None:
        end = time.monotonic() + WAIT
        while not condition():
            self.assertLess(time.monotonic(), end, "it did not come in time")
            time.sleep(0.05)

    def deliver(self, messages: int, target: str, behind: str, *settings: str) -> dict:
        """Has a worker deliver so many, and gives the status of its target at the end."""
        port = self.free_port()
        sqs = f"http://127.0.0.1:{port}"
        self.begin(POLLER, "localsqs", "--listen", f"127.0.0.1:{port}", "--queue", "orders")
        self.until(lambda: self.reaches(port))
        subprocess.run([POLLER, "send", "--queue", "orders", "-"], input="\n".join(map(str, range(messages))), text=True,
                       check=True, capture_output=True, env=ENVIRONMENT | {"AWS_ENDPOINT_URL_SQS": sqs})
        worker = self.begin(POLLER, "run", "--queue", "orders", "--target", target, "--listen", "127.0.0.1:0",
                            "--log-format", "json", "--drain-timeout", "6s", *settings, AWS_ENDPOINT_URL_SQS=sqs)
        # A variable of the machine's that is not the daemon's is a warning, and comes first.
        admin = next(found for line in worker.stdout if (found := re.search(r'"listen":"([^"]+)"', line))).group(1)
        states = set()

        def all_taken() -> bool:
            states.add(asked(f"http://{admin}/status.json")["targets"][0]["gate"]["state"])
            return asked(f"{behind}/stats")["taken"] >= messages

        self.until(all_taken)
        self.assertNotIn("closed", states, "a partner that is waited for was taken for one that is down")
        return asked(f"http://{admin}/status.json")["targets"][0]

    def refused(self, status: dict) -> int:
        return sum(d["count"] for d in status["deliveries"] if d["outcome"] == "throttled")

    def keeps_to_what_is_said(self, headers: str) -> None:
        partner = self.partner(HEADERS=headers, LIMIT="20")
        status = self.deliver(70, partner, partner)
        self.assertEqual(0, asked(f"{partner}/stats")["refused"])
        self.assertEqual(0, self.refused(status))

    def test_the_drafts_list_is_kept(self):
        self.keeps_to_what_is_said("draft-8")

    def test_an_earlier_drafts_dictionary_is_kept(self):
        self.keeps_to_what_is_said("draft-7")

    def test_an_earlier_drafts_pair_is_kept(self):
        self.keeps_to_what_is_said("draft-6")

    def test_x_rate_limit_is_kept(self):
        self.keeps_to_what_is_said("legacy")

    def test_a_quota_is_kept_where_the_partner_says_nothing(self):
        partner = self.partner(HEADERS="", LIMIT="30", WINDOW="60000")
        status = self.deliver(30, partner, partner, "--quota", "30/m", "--follow-limits=false")
        self.assertEqual(0, asked(f"{partner}/stats")["refused"])
        self.assertEqual(30, status["pace"]["quotas"][0]["used"])

    def test_a_rate_is_within_nginx_s_limit_req(self):
        nginx, behind = self.behind_nginx("limit_req_zone $server_name zone=all:1m rate=20r/s; limit_req_status 429;",
                                          "limit_req zone=all burst=5 nodelay;")
        status = self.deliver(100, nginx, behind, "--rate", "20/s")
        self.assertEqual(0, self.refused(status))

    def test_the_concurrency_is_within_nginx_s_limit_conn(self):
        nginx, behind = self.behind_nginx("limit_conn_zone $server_name zone=all:1m; limit_conn_status 429;",
                                          "limit_conn all 4;")
        status = self.deliver(200, nginx, behind, "--concurrency", "4")
        self.assertEqual(0, self.refused(status))

    def test_what_nginx_s_limit_conn_takes_is_found(self):
        nginx, behind = self.behind_nginx("limit_conn_zone $server_name zone=all:1m; limit_conn_status 429;",
                                          "limit_conn all 4;")
        status = self.deliver(1000, nginx, behind, "--concurrency", "50", "--adaptive")
        self.assertLessEqual(self.refused(status), 50)
        self.assertLessEqual(status["pace"]["concurrency"], 8)
        self.assertIn("429 beside", json.dumps(status["pace"]["adaptive"]))
