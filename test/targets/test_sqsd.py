"""Worker apps for Elastic Beanstalk, in Flask and Express."""

import re
import threading

import flask
import werkzeug.serving

from stack import Stack

ATTRIBUTES = {"tenant": {"DataType": "String", "StringValue": "7"}, "beanstalk.sqsd.path": {"DataType": "String", "StringValue": "/jobs/nightly"}}


class Sqsd(Stack):
    def judge(self, got: dict):
        self.assertEqual((got["path"], got["agent"], got["queue"], got["count"], got["tenant"]), ("/jobs/nightly", "aws-sqsd/2.0", "orders", "1", "7"))
        self.assertEqual(got["body"], {"order": 7})  # parsed: the Content-Type is application/json
        self.assertTrue(got["sender"])
        self.assertTrue(re.fullmatch(r"[0-9a-f-]{36}", got["id"]), got["id"])
        self.assertTrue(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", got["first"]), got["first"])

    def test_flask(self):
        got = []
        app = flask.Flask("worker")

        @app.post("/<path:path>")
        def work(path):
            h = flask.request.headers
            got.append({"path": "/" + path, "agent": h["User-Agent"], "id": h["X-Aws-Sqsd-Msgid"], "queue": h["X-Aws-Sqsd-Queue"],
                        "first": h["X-Aws-Sqsd-First-Received-At"], "count": h["X-Aws-Sqsd-Receive-Count"], "tenant": h["X-Aws-Sqsd-Attr-tenant"],
                        "sender": h["X-Aws-Sqsd-Sender-Id"],
                        "body": flask.request.get_json()})
            return "", 200

        server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        self.send(['{"order":7}'], attributes=ATTRIBUTES)
        self.poller(f"http://127.0.0.1:{server.port}/", "--format", "sqsd")
        self.emptied(10)
        self.judge(got[0])

    def test_express(self):
        port = self.node("sqsd")
        self.send(['{"order":7}'], attributes=ATTRIBUTES)
        self.poller(f"http://127.0.0.1:{port}/", "--format", "sqsd")
        self.emptied(10)
        self.judge(self.node_got()[0])
