"""Signatures of AWS, recomputed by botocore at the receiver."""

import datetime
import http.server
import json
import re
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from stack import CREDENTIALS, Stack


class SigV4(Stack):
    def judge(self, service: str, token: str | None = None, key: str = CREDENTIALS["AWS_ACCESS_KEY_ID"],
              secret: str = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]):
        credentials = botocore.credentials.Credentials(key, secret, token)

        def judge(request, body):
            authorization = request.headers["Authorization"]
            signed = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
            again = botocore.awsrequest.AWSRequest("POST", f"http://{request.headers['Host']}{request.path}", data=body)
            for name in signed:
                if name not in ("host",):
                    again.headers[name] = ",".join(request.headers.get_all(name))
            again.context["timestamp"] = request.headers["X-Amz-Date"]
            signer = botocore.auth.SigV4Auth(credentials, service, "eu-central-1")
            canonical = signer.canonical_request(again)
            again.context["payload_signing_enabled"] = True
            expected = signer.signature(signer.string_to_sign(again, canonical), again)
            self.seen.append((request.path, signed))
            if f"Signature={expected}" not in authorization or (token or "") != request.headers.get("X-Amz-Security-Token", ""):
                self.wrong.append((request.path, authorization, canonical))
                return 403
            return 204

        return judge

    def test_credentials_that_rotate(self):
        given = {}  # by their access key: secret, session token, and when they end

        class Role(http.server.BaseHTTPRequestHandler):
            """What gives a task on ECS or a pod on EKS its credentials; these end after 4 s."""

            def do_GET(self):
                key, end = f"ASIA{len(given)}EXAMPLE", datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=4)
                given[key] = (f"secret/{key}", f"session+{key}=", end)
                text = json.dumps({"AccessKeyId": key, "SecretAccessKey": given[key][0], "Token": given[key][1], "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")})
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        role = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Role)
        threading.Thread(target=role.serve_forever, daemon=True).start()
        self.addCleanup(role.server_close)
        self.addCleanup(role.shutdown)
        used = []

        def judge(request, body):
            key = re.search("Credential=([^/]+)/", request.headers["Authorization"])[1]
            secret, session, end = given[key]
            signed = datetime.datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
            self.assertLess(signed, end)
            used.append(key)
            return self.judge("execute-api", session, key, secret)(request, body)

        self.seen, self.wrong = [], []
        port, got = self.receiver(judge)
        self.send([str(i) for i in range(100)])
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del self.env[name]
        self.poller(f"http://127.0.0.1:{port}/prod", "--sign-aws", "execute-api", "--rate", "10/s",
                    env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{role.server_address[1]}/role"})
        self.emptied(60)
        self.assertEqual((self.wrong, self.trouble, {status for *_, status in got}), ([], [], {204}))
        self.assertGreater(len(set(used)), 2)
        for secret, session, _ in given.values():
            self.assertNotIn(secret, self.said("poller"))
            self.assertNotIn(session, self.said("poller"))

    def check(self, path: str, service: str, *args: str, token: str | None = None, bodies=('{"a":"é"}', "x  y")):
        self.seen, self.wrong = [], []
        port, got = self.receiver(self.judge(service, token))
        self.send(list(bodies), attributes={"tenant": {"DataType": "String", "StringValue": "two  spaces, and a comma"}})
        self.poller(f"http://127.0.0.1:{port}{path}", "--sign-aws", service, *args, env={"AWS_SESSION_TOKEN": token} if token else None)
        self.emptied(10)
        self.assertEqual(self.wrong, [])
        self.assertEqual(len(got), len(bodies))
        for name in ("content-type", "host", "x-amz-date", "x-poller-message-id"):
            self.assertTrue(all(name in signed for _, signed in self.seen) or "lambda" in args, name)
        self.assertNotIn(CREDENTIALS["AWS_SECRET_ACCESS_KEY"], self.said("poller"))

    def test_a_plain_path(self):
        self.check("/prod/orders", "execute-api")

    def test_an_odd_path_and_query(self):
        self.check("/prod/a%20b/c%2Fd/~x/é?b=2&a=1&a=%2B&c&d=e%20f", "execute-api", "--header", "X-Odd: a   b", "--header", "X-Odd: c")

    def test_a_session_token(self):
        self.check("/", "vpc-lattice-svcs", token="FwoGZXIvYXdzE/token+with=odd")

    def test_a_function_behind_the_api(self):
        self.seen, self.wrong, events = [], [], []
        judge = self.judge("lambda")

        def function(request, body):
            events.append(json.loads(body))
            return 200 if judge(request, body) == 204 else 403

        port, _ = self.receiver(function)
        self.send(["x"])
        self.poller(f"http://127.0.0.1:{port}/2015-03-31/functions/orders:live/invocations", "--sign-aws", "lambda", "--format", "lambda")
        self.emptied(10)
        self.assertEqual(self.wrong, [])
        self.assertEqual(events[0]["Records"][0]["eventSource"], "aws:sqs")
