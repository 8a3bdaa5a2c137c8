"""Signatures of webhooks, checked by the Standard Webhooks libraries for Python and JavaScript."""

import base64
import os

import standardwebhooks

from stack import Stack, wait_for


def secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


BODIES = ['{"order":"7 é"}', "", "plain", "x" * 100_000]


class Webhook(Stack):
    def file(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text + "\n")
        return f"@{self.folder / name}"

    def bodies(self) -> list[str]:
        return [b for b in BODIES if b]  # SQS takes no empty ones

    def test_python_verifies_with_the_old_and_the_new_secret_during_a_rotation(self):
        old, new = secret(), secret()
        tried = {old: 0, new: 0}

        def judge(request, body):
            for key in tried:
                self.verify(key, body, request.headers)
                tried[key] += 1
            return 204

        port, got = self.receiver(judge)
        self.send(self.bodies())
        self.poller(f"http://127.0.0.1:{port}/", "--webhook-secret", self.file("old", old), "--webhook-secret", self.file("new", new))
        self.emptied()
        self.assertEqual(tried, {old: 3, new: 3})
        self.assertEqual(sorted(body.decode() for _, _, body, _ in got), sorted(self.bodies()))
        for key in (old, new):
            self.assertNotIn(key, self.said("poller"))

    def verify(self, key, body, headers):
        try:
            standardwebhooks.Webhook(key).verify(body, {name.lower(): value for name, value in headers.items()})
        except ValueError:
            pass  # the body is verified, and then it is no JSON

    def test_a_wrong_secret_is_noticed(self):
        def judge(request, body):
            try:
                self.verify(secret(), body, request.headers)
            except standardwebhooks.WebhookVerificationError:
                return 401
            return 204

        port, got = self.receiver(judge)
        self.send(["{}"])
        self.poller(f"http://127.0.0.1:{port}/", "--webhook-secret", self.file("one", secret()))
        wait_for(lambda: got, why="a request")
        self.assertEqual(got[0][3], 401)

    def test_javascript_verifies_and_follows_a_secret_that_is_replaced_in_its_file(self):
        key = secret()
        port = self.node("webhook", key)
        self.send(["{}"])
        self.poller(f"http://127.0.0.1:{port}/", "--webhook-secret", self.file("one", secret()))
        wait_for(lambda: self.node_got(), why="a request")
        self.assertIn("error", self.node_got()[0])
        self.file("one", key)
        self.emptied()
        self.assertEqual(self.node_got()[-1]["body"], "{}")

    def test_javascript_verifies_with_either_secret_during_a_rotation(self):
        old, new = secret(), secret()
        self.file("old", old), self.file("new", new)
        for known in (old, new):
            port = self.node("webhook", known)
            self.send(['{"n":1}', '{"n":2}'])
            poller = self.poller(f"http://127.0.0.1:{port}/", "--webhook-secret", f"@{self.folder / 'old'}", "--webhook-secret", f"@{self.folder / 'new'}",
                                 "--drain-timeout", "6s")
            self.emptied()
            poller.terminate()
            poller.wait(30)
        self.assertEqual([sorted(line) for line in self.node_got()], [["body", "id"]] * 4)  # and no error
