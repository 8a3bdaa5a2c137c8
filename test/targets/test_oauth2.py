"""Tokens of oidc-provider, a certified server."""

import base64
import subprocess
import time
import urllib.request

from stack import Stack, wait_for

SECRET = "hunter2-and-more-of-it"


class OAuth2(Stack):
    visibility = "20s"  # shorter than what is endured

    def begin(self, life: int, *args: str) -> int:
        port = self.node("oidc", str(life))
        (self.folder / "secret").write_text(SECRET)
        self.poller(f"http://127.0.0.1:{port}/orders", "--oauth2-token-url", f"http://127.0.0.1:{port}/token", "--oauth2-client-id", "poller",
                    "--oauth2-client-secret", f"@{self.folder / 'secret'}", "--oauth2-scopes", "orders.write", "--log-level", "debug", *args)
        return port

    def fetched(self) -> int:
        return sum("fetched" in line for line in self.node_got())

    def nothing_is_burned_or_told(self):
        self.assertEqual(self.dead_bodies(), [])
        pages = "".join(urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}").read().decode() for path in ("/", "/status.json", "/metrics"))
        tokens = {line["token"] for line in self.node_got() if "token" in line}
        self.assertTrue(tokens)
        for secret in tokens | {SECRET, base64.b64encode(f"poller:{SECRET}".encode()).decode()}:
            self.assertNotIn(secret, self.said("poller") + pages)
        counts = dict(line.rsplit(" ", 1) for line in pages.splitlines() if line.startswith("poller_"))
        self.assertEqual((counts['poller_strikes_total{target="default"}'],
                          counts['poller_messages_settled_total{outcome="failed",queue="orders",target="default"}']), ("0", "0"))

    def test_one_token_serves_64_deliveries_at_once(self):
        self.send([str(i) for i in range(500)])
        self.begin(3600, "--concurrency", "64")
        self.emptied(30)
        self.assertEqual(self.fetched(), 1)
        self.assertEqual(self.node_got()[0]["scope"], "orders.write")
        self.nothing_is_burned_or_told()

    def test_a_token_is_renewed_before_it_ends(self):
        self.begin(5, "--rate", "20/s")
        self.send([str(i) for i in range(200)])
        self.emptied(30)
        self.assertIn(self.fetched(), (2, 3, 4))
        self.assertFalse([line for line in self.node_got() if line.get("delivered") is False])
        self.nothing_is_burned_or_told()

    def test_revoked_tokens_cost_no_strike(self):
        port = self.begin(3600, "--rate", "50/s")
        self.send([str(i) for i in range(500)])
        for n in (1, 2):
            wait_for(lambda: sum(line.get("delivered", False) for line in self.node_got()) > 100 * n, why="deliveries")
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/tokens", method="DELETE")).read()
            time.sleep(5)  # poller renews a token that works at most every 5 s
        self.emptied(30)
        delivered = [line["id"] for line in self.node_got() if line.get("delivered")]
        self.assertEqual((len(delivered), len(set(delivered))), (500, 500))
        self.assertEqual(self.fetched(), 3)
        self.nothing_is_burned_or_told()

    def test_a_token_endpoint_that_is_away_for_30_seconds_burns_no_receive(self):
        self.send([str(i) for i in range(600)])
        port = self.begin(4, "--rate", "40/s")
        endpoint = f"http://127.0.0.1:{port}/endpoint"
        delivered = lambda: [line for line in self.node_got() if line.get("delivered")]
        wait_for(lambda: len(delivered()) > 60, why="deliveries")
        urllib.request.urlopen(urllib.request.Request(endpoint, method="DELETE")).read()
        away = time.monotonic()
        wait_for(lambda: any("refused" in line for line in self.node_got()), why="a token was asked for in vain")
        wait_for(lambda: "no token from the token endpoint" in self.said("poller"), why="it is said")
        wait_for(lambda: time.monotonic() - away > 30, 40)
        self.assertLess(len(delivered()), 400)  # for most of the outage nothing was sent
        urllib.request.urlopen(urllib.request.Request(endpoint, method="PUT")).read()
        self.emptied(120)
        ids = [line["id"] for line in delivered()]
        self.assertEqual((len(ids), len(set(ids))), (600, 600))
        self.assertEqual({line["receives"] for line in delivered()}, {1})
        self.assertIn("the token endpoint works again", self.said("poller"))
        self.nothing_is_burned_or_told()

    def test_a_client_secret_that_is_refused_is_said_and_not_shown(self):
        port = self.node("oidc", "60")
        wrong = self.folder / "secret"
        wrong.write_text("mistaken-" + SECRET)
        self.send(["x"])
        settings = ["--queue", self.queue, "--target", f"http://127.0.0.1:{port}/orders", "--oauth2-token-url", f"http://127.0.0.1:{port}/token",
                    "--oauth2-client-id", "poller", "--oauth2-client-secret", f"@{wrong}", "--oauth2-scopes", "orders.write"]
        checked = subprocess.run(["poller", "check", *settings], env=self.env, capture_output=True, text=True)
        said = "the token endpoint http://127.0.0.1:%d answered 401 (invalid_client)" % port
        self.assertEqual(checked.returncode, 1)
        self.assertIn(said, checked.stdout)
        self.poller(settings[3], *settings[4:])
        wait_for(lambda: said in self.said("poller"), why="it is said")
        self.assertNotIn(SECRET, self.said("poller") + checked.stdout + checked.stderr)
        self.assertFalse([line for line in self.node_got() if "delivered" in line])
        wrong.write_text(SECRET)  # read again, without a restart
        self.emptied(60)
        self.nothing_is_burned_or_told()
