"""A request followed from its POST to the target's span: the gateway on LocalStack, poller, and a target and a client
with OpenTelemetry's own SDK, which all send their spans to a real collector."""

import contextlib
import http.server
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

from emulator import REGION, Door, Stack, client, endpoint

CONSUMER = 5
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(done, what: str, seconds: float = 30):
    """What done gives, once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if value := done():
                return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def get(url: str, headers: dict | None = None) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
        return answer.read().decode()


class Server(http.server.ThreadingHTTPServer):
    """Calls one function with each request, and ends with the test."""

    daemon_threads = True

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                status = answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


class Program:
    """A process of this test, its log in a file."""

    def __init__(self, test, command: list[str], env: dict | None = None):
        self.log = Path(tempfile.mkstemp(suffix=".log")[1])
        with self.log.open("w") as out:
            self.process = subprocess.Popen(command, env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]} | (env or {}),
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        test.addClassCleanup(self.end) if isinstance(test, type) else test.addCleanup(self.end)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.unlink(missing_ok=True)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


class Poller(Program):
    def __init__(self, test, queue: str, target: str, env: dict, *args: str):
        self.admin = f"http://127.0.0.1:{free_port()}"
        aws = {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        super().__init__(test, ["poller", "run", "--queue", queue, "--target", target, "--listen", self.admin.removeprefix("http://"), "--log-format", "json",
                                "--log-level", "debug", "--backoff", "1s", "--backoff-max", "1s", *args], aws | env)


class Collector(Program):
    """OpenTelemetry's collector. What it gives out, as OTLP's JSON, is kept here."""

    def __init__(self, test):
        self.spans, self.lock = [], threading.Lock()
        out = Server(self.take)
        test.addClassCleanup(out.end)
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        folder = tempfile.TemporaryDirectory()
        test.addClassCleanup(folder.cleanup)
        config = Path(folder.name) / "collector.yaml"
        config.write_text(json.dumps({  # JSON is YAML
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
            "exporters": {"otlphttp": {"endpoint": out.address, "encoding": "json", "compression": "none"}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlphttp"]}}, "telemetry": {"metrics": {"level": "none"}}},
        }))
        super().__init__(test, ["collector", "--config", str(config)])
        try:
            until(lambda: socket.create_connection(("127.0.0.1", port)).close() or True, "the collector listens")
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.log.read_text()[-2000:]}") from None

    def take(self, _, body: bytes) -> int:
        with self.lock:
            for resource in json.loads(body)["resourceSpans"]:
                service = {a["key"]: a["value"] for a in resource["resource"]["attributes"]}["service.name"]["stringValue"]
                self.spans += [span | {"service": service} for scope in resource["scopeSpans"] for span in scope["spans"]]
        return 200

    def find(self, **wanted) -> list[dict]:
        with self.lock:
            return [span for span in self.spans if all(span.get(name) == value for name, value in wanted.items())]

    def one(self, **wanted) -> dict:
        (span,) = until(lambda: self.find(**wanted), f"a span with {wanted} in the collector")
        return span


def attributes(span: dict) -> dict:
    """Values of every type, as text."""
    return {a["key"]: str(next(iter(a["value"].values()))) for a in span.get("attributes", [])}


class Traced:
    """A stack and a poller for each class of tests: a poller that is killed takes messages with it, and one that stops
    waits for its long poll."""

    arguments = []

    @classmethod
    def setUpClass(cls):
        cls.collector = Collector(cls)
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.delete)
        cls.door = Door(cls.stack)
        cls.queue = cls.stack.outputs["QueueUrl"].rsplit("/", 1)[1]
        cls.shop, cls.orders = cls.tracer("shop"), cls.tracer("orders")
        cls.got, cls.poisoned = [], set()
        target = Server(cls.serve)
        cls.addClassCleanup(target.end)
        cls.poller = Poller(cls, cls.queue, target.address + "/orders",
                            {"AWS_ENDPOINT_URL_SQS": endpoint(), "OTEL_EXPORTER_OTLP_ENDPOINT": cls.collector.address, "OTEL_BSP_SCHEDULE_DELAY": "100"}, *cls.arguments)

    @classmethod
    def tracer(cls, service: str):
        provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(cls.collector.address + "/v1/traces"), schedule_delay_millis=100))
        cls.addClassCleanup(provider.shutdown)
        return provider.get_tracer("test")

    @classmethod
    def serve(cls, request, body: bytes) -> int:
        """The target: an app with OpenTelemetry's usual instrumentation."""
        headers, text = {name.lower(): value for name, value in request.headers.items()}, body.decode()
        cls.got.append((text, headers))
        with cls.orders.start_as_current_span("POST /orders", propagate.extract(headers), SpanKind.SERVER, attributes={"body": text}):
            return 500 if text in cls.poisoned else 204

    def post(self, body: str, headers: list[tuple[str, str]] = ()) -> str:
        """The message's id."""
        status, _, text = self.door.send(body.encode(), headers=headers)
        self.assertEqual(status, 202, text)
        return json.loads(text)["messageId"]

    def post_in_a_span(self, body: str) -> tuple[str, dict]:
        """The message's id, and the client's span."""
        with self.shop.start_as_current_span("place " + body, kind=SpanKind.CLIENT):
            carrier = {}
            propagate.inject(carrier)
            message = self.post(body, list(carrier.items()))
        return message, self.collector.one(name="place " + body)

    def delivery(self, message: str, tries: int = 1) -> list[dict]:
        """The spans of a message's deliveries."""
        def spans():
            found = [s for s in self.collector.find(service="poller", kind=CONSUMER) if attributes(s)["messaging.message.id"] == message]
            return found if len(found) >= tries else None
        return sorted(until(spans, f"{tries} deliveries of {message} in the collector"), key=lambda s: int(s["startTimeUnixNano"]))

    def served(self, body: str) -> list[dict]:
        def spans():
            return [s for s in self.collector.find(service="orders", name="POST /orders") if attributes(s)["body"] == body]
        return until(spans, f"the target's span of {body}")


class Linked(Traced, unittest.TestCase):
    arguments = ["--concurrency", "2"]

    def test_a_request_is_followed_from_its_post_to_the_targets_span(self):
        body = "order-" + secrets.token_hex(4)
        message, placed = self.post_in_a_span(body)
        (process,), (served,) = self.delivery(message), self.served(body)

        self.assertEqual((process["name"], process.get("parentSpanId", "")), (f"process {self.queue}", ""))
        self.assertEqual([(link["traceId"], link["spanId"]) for link in process["links"]], [(placed["traceId"], placed["spanId"])])
        self.assertNotEqual(process["traceId"], placed["traceId"])
        self.assertEqual((served["traceId"], served["parentSpanId"]), (process["traceId"], process["spanId"]))
        of = attributes(process)
        wanted = {"messaging.system": "aws_sqs", "messaging.operation.name": "process", "messaging.operation.type": "process",
                  "messaging.destination.name": self.queue, "messaging.message.id": message, "messaging.message.body.size": str(len(body)),
                  "http.response.status_code": "204", "poller.outcome": "delivered", "poller.receive_count": "1"}
        self.assertEqual({name: of.get(name) for name in wanted}, wanted)
        self.assertTrue(of["aws.sqs.queue.url"].endswith("/" + self.queue), of)
        self.assertNotIn("events", process)
        self.assertNotIn(body, json.dumps(process))

        # From the trace to the log line and back, and from the histogram to the trace.
        said = until(lambda: [line for line in self.poller.lines() if line.get("message_id") == message and line["msg"] == "delivery ended"], "it is logged")
        self.assertEqual([line["trace_id"] for line in said], [process["traceId"]])
        exemplar = f'# {{trace_id="{process["traceId"]}"}}'
        self.assertRegex(get(self.poller.admin + "/metrics", OPENMETRICS), rf'poller_delivery_duration_seconds_bucket{{[^\n]*outcome="delivered"[^\n]*}} \d+ {re.escape(exemplar)}')
        self.assertNotIn("trace_id", get(self.poller.admin + "/metrics"))

    def test_x_rays_header_is_linked_and_reaches_the_target_whether_x_ray_samples_or_is_off(self):
        # Sent to the queue itself: LocalStack's gateway does not pass it on.
        for sampled in "1", "0":
            root, parent = "1-6929f3a1-" + secrets.token_hex(12), secrets.token_hex(8)
            body = "order-" + secrets.token_hex(4)
            header = f"Root={root};Parent={parent};Sampled={sampled}"
            message = client("sqs").send_message(QueueUrl=self.stack.outputs["QueueUrl"], MessageBody=body, MessageSystemAttributes={
                "AWSTraceHeader": {"DataType": "String", "StringValue": header}})["MessageId"]
            (process,), (served,) = self.delivery(message), self.served(body)
            self.assertEqual([(link["traceId"], link["spanId"]) for link in process["links"]], [(root[2:].replace("-", ""), parent)])
            self.assertEqual((served["traceId"], served["parentSpanId"]), (process["traceId"], process["spanId"]))
            (headers,) = [headers for got, headers in self.got if got == body]
            self.assertEqual(headers["x-amzn-trace-id"], header)

    def test_a_request_without_any_trace_has_a_span_too(self):
        body = "order-" + secrets.token_hex(4)
        message = self.post(body)
        (process,), (served,) = self.delivery(message), self.served(body)
        self.assertEqual((served["traceId"], served["parentSpanId"]), (process["traceId"], process["spanId"]))

    def test_who_did_not_sample_the_request_gets_no_spans_of_it(self):
        quiet, loud = "order-" + secrets.token_hex(4), "order-" + secrets.token_hex(4)
        self.post(quiet, [("traceparent", f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00")])
        until(lambda: quiet in [body for body, _ in self.got], "it is delivered")
        message, _ = self.post_in_a_span(loud)
        self.delivery(message)
        (headers,) = [headers for body, headers in self.got if body == quiet]
        self.assertRegex(headers["traceparent"], "-00$")
        self.assertEqual(self.collector.find(service="poller", traceId=headers["traceparent"].split("-")[1]), [])

    def test_the_spans_of_a_message_that_fails_say_what_became_of_it(self):
        poison, good = "poison-" + secrets.token_hex(4), ["order-" + secrets.token_hex(4) for _ in range(20)]
        self.poisoned.add(poison)
        message, _ = self.post_in_a_span(poison)
        for body in good:
            self.post(body)

        def spans():
            return [s for s in self.collector.find(service="poller") if attributes(s)["messaging.message.id"] == message]
        until(lambda: [e for s in spans() for e in s.get("events", []) if e["name"] == "released"], "the release of the poison")
        first = self.delivery(message)[0]
        of = attributes(first)
        self.assertEqual((of["error.type"], of["http.response.status_code"], of["poller.outcome"], first["status"]["code"]), ("5xx", "500", "failed", 2))
        events = {e["name"]: attributes(e) for s in spans() for e in s.get("events", [])}
        self.assertLessEqual({"held", "given_up", "released"}, set(events), events)
        self.assertEqual(events["released"]["poller.settled_as"], "failed")
        for settle in [s for s in spans() if s["name"] == f"settle {self.queue}"]:
            self.assertIn((settle["traceId"], settle["parentSpanId"]), [(s["traceId"], s["spanId"]) for s in self.delivery(message)])


class Child(Traced, unittest.TestCase):
    arguments = ["--trace-parent"]

    def test_the_clients_span_the_deliverys_and_the_targets_are_one_trace(self):
        body = "order-" + secrets.token_hex(4)
        message, placed = self.post_in_a_span(body)
        (process,), (served,) = self.delivery(message), self.served(body)
        self.assertEqual([s["traceId"] for s in (process, served)], [placed["traceId"]] * 2)
        self.assertEqual((process["parentSpanId"], served["parentSpanId"]), (placed["spanId"], process["spanId"]))
        self.assertNotIn("links", process)


class WithoutACollector(unittest.TestCase):
    MESSAGES = 500

    def deliver(self, address: str) -> Poller:
        """Delivers all messages while nobody takes a span."""
        got, port = set(), free_port()
        target = Server(lambda _, body: got.add(body) or 204)
        self.addCleanup(target.end)
        Program(self, ["poller", "localsqs", "--listen", f"127.0.0.1:{port}", "--queue", "orders"])
        sqs = f"http://127.0.0.1:{port}"
        until(lambda: socket.create_connection(("127.0.0.1", port)).close() or True, "localsqs")
        keys = {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL_SQS": sqs}
        subprocess.run(["poller", "send", "--queue", "orders", "-"], input="\n".join(map(str, range(self.MESSAGES))), text=True, check=True, capture_output=True,
                       env={"PATH": os.environ["PATH"]} | keys, timeout=60)
        # Few spans may wait, and each must be refused or dropped: a delivery that waited for one would wait for ever.
        poller = Poller(self, "orders", target.address, {"AWS_ENDPOINT_URL_SQS": sqs, "OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100",
                        "OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_EXPORTER_OTLP_TIMEOUT": "3600000"}, "--drain-timeout", "7s")
        until(lambda: len(got) == self.MESSAGES, "all delivered")
        return poller

    def test_one_that_never_answers_holds_up_no_delivery_and_no_stop(self):
        asked, end = [], threading.Event()
        self.addCleanup(end.set)
        hanging = Server(lambda *_: asked.append(1) or end.wait() and 200)
        self.addCleanup(hanging.end)
        poller = self.deliver(hanging.address)
        until(lambda: asked, "it was asked")
        self.assertEqual(poller.stop(), 0)
        self.assertEqual([line["delivered"] for line in poller.lines() if line["msg"] == "poller stopped"], [self.MESSAGES])
        self.assertFalse(end.is_set())

    def test_one_that_is_away_is_said_once(self):
        poller = self.deliver(f"http://127.0.0.1:{free_port()}")
        said = until(lambda: [line for line in poller.lines() if line["msg"].startswith("tracing fails")], "it is said")
        self.assertEqual((len(said), said[0]["level"]), (1, "WARN"))
        self.assertEqual(poller.stop(), 0)
