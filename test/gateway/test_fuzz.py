"""A fuzz through the deployed gateway: what was sent is in SQS byte for byte, or it was refused and nothing is."""

import collections
import gzip
import json
import os
import re
import unittest

import bodies
import template
from emulator import Door, Stack, client, message_of

# In an answer they would tell a client what stands behind the gateway.
INTERNALS = re.compile(r"arn:|amazonaws|000000000000|RequestId|ErrorResponse|Sender|Exception|Traceback|localstack|-queue", re.IGNORECASE)


# LocalStack's SQS takes no larger form, though the body in it may be within the maximum. SQS documents no such limit.
FORM_LIMIT = 2 * bodies.MAXIMUM - 1000


def allowed(body: bytes) -> set[int]:
    return {bodies.expected(body)} | ({413} if bodies.form_size(body) > FORM_LIMIT else set())


def wrong(body: bytes, answer: tuple, taken: list[dict], statuses: set[int]) -> str:
    """Why the outcome of one request is not allowed; empty if it is."""
    status, _, text = answer
    if status not in statuses:
        return f"answered {status} {text[:200]!r}, not {sorted(statuses)}"
    if status != 202:
        if taken:
            return f"answered {status} and queued {taken[0]['Body'][:200]!r}"
        if INTERNALS.search(text):
            return f"the answer names internals: {text[:200]!r}"
        return "" if message_of(text or '{"message":"none, from LocalStack\'s own front"}') else "no message"
    if len(taken) != 1:
        return f"queued {len(taken)} messages"
    (message,) = taken
    if message["Body"].encode() != bodies.queued(body):
        return f"queued {message['Body'][:200]!r}"
    if message.get("MessageAttributes") or "MessageGroupId" in message["Attributes"]:
        return f"queued with attributes: {message}"
    return "" if json.loads(text) == {"messageId": message["MessageId"]} else f"answered {text[:200]!r}"


class ThroughTheGateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = bodies.seed()
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.delete)
        cls.door = Door(cls.stack)

    def post(self, body: bytes, statuses: set[int], **request) -> int:
        answer = self.door.send(body, **request)
        found = wrong(body, answer, self.stack.take(), statuses)
        self.assertEqual(found, "", f"GATEWAY_SEED={self.seed}, body {body[:200]!r} {str(request)[:200]}")
        return answer[0]

    def test_bodies(self):
        number = int(os.environ.get("GATEWAY_BODIES") or 600)
        every = bodies.fixed() + bodies.sizes() + bodies.made(number, self.seed)
        print(f"fuzz: {len(every)} bodies, GATEWAY_SEED={self.seed}")
        statuses = collections.Counter(self.post(body, allowed(body)) for body in every)
        print(f"fuzz: {dict(sorted(statuses.items()))}")
        self.assertGreater(statuses[202], 400)
        self.assertGreater(statuses[400], 30)
        self.assertGreater(statuses[413], 3)

    def test_injection_attempts_in_headers(self):
        for name, value in [
            ("X-Amz-Target", "AmazonSQS.DeleteQueue"), ("Action", "DeleteQueue"), ("MessageBody", "other"), ("X-Amz-Date", "x"),
            ("Authorization", "AWS4-HMAC-SHA256 Credential=other/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=1"),
            ("X-Amz-Security-Token", "x"), ("X-HTTP-Method-Override", "DELETE"), ("Accept", "text/xml"), ("Accept", "application/xml;q=1, */*"),
            ("Accept", "text/html"), ("X-Amzn-RequestId", "x"), ("X-Message-Group-Id", "other"), ("Idempotency-Key", "x&Action=DeleteQueue"),
            ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"), ("Referer", "$input.body"), ("User-Agent", "#stop"),
            ("Cookie", "a=b&c"), ("X-Forwarded-For", "1.2.3.4"), ("integration.request.header.Content-Type", "text/plain"), ("X", "\xff\xfe"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01&DelaySeconds=900"), ("tracestate", "a=b&Action=DeleteQueue"),
            ("MessageAttribute.1.Name", "x"), ("QueueUrl", "http://127.0.0.1/other"), ("Forwarded", "for=x"), ("Origin", "https://a.example"),
        ]:
            self.post(b'{"a":"b&c"}', {202}, headers=[(name, value)])

    def test_injection_attempts_in_the_query(self):
        for query in ["?Action=DeleteQueue", "?Action=PurgeQueue&Version=2012-11-05", "?MessageBody=other", "?DelaySeconds=900",
                      "?X-Message-Group-Id=other", "?Content-Type=text/plain", "?QueueUrl=http://127.0.0.1/000000000000/other", "?&&==", "?%26Action=x",
                      "?a=$input.body", "?a=%23stop", "?X-Amz-Target=AmazonSQS.DeleteQueue", "?" + "a=b&" * 500]:
            self.post(b'{"a":"b&c"}', {202}, path=query)

    def test_other_content_types_are_refused(self):
        for content_type in ["text/plain", "text/html", "application/x-www-form-urlencoded", "application/xml",
                             "application/octet-stream", "application/x-amz-json-1.0", "application/jsonp", "text/json", "*/*", "application/*",
                             "application", "json", "$default", "application/json-patch+json", "application/json\tx"]:
            self.assertEqual(self.post(b"Action=DeleteQueue", {415}, content_type=content_type), 415)

    def test_a_multipart_form_is_refused(self):
        # LocalStack reads the form before the gateway does, and refuses a broken one itself.
        self.post(b"--x--\r\n", {400, 415}, content_type="multipart/form-data; boundary=x")

    def test_json_with_a_charset_or_in_another_case_is_taken_or_refused(self):
        # API Gateway takes them; LocalStack compares the header as a whole.
        for content_type in ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON", "application/json; charset=latin1"]:
            self.post('{"a":"é&b"}'.encode(), {202, 415}, content_type=content_type)

    def test_no_content_type_means_json(self):
        self.post(b'{"a":"b&c"}', {202}, content_type=None)

    def test_a_compressed_body_is_unpacked(self):
        body = b'{"a":"b&c"}'
        answer = self.door.send(gzip.compress(body, mtime=1), headers=[("Content-Encoding", "gzip")])
        self.assertEqual(wrong(body, answer, self.stack.take(), {202}), "")

    def test_what_only_claims_to_be_compressed_is_refused(self):
        answer = self.door.send(b'{"a":1}', headers=[("Content-Encoding", "gzip")])
        self.assertIn(answer[0], range(400, 600))
        self.assertEqual(self.stack.take(), [])

    def test_no_other_queue_was_made_touched_or_filled(self):
        self.post(b"still there", {202})
        dead = self.stack.attributes("DeadLetterQueueUrl")
        self.assertEqual([dead[n] for n in ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")], ["0", "0"])
        names = [url.rsplit("/", 1)[1] for url in client("sqs").list_queues(QueueNamePrefix=self.stack.name)["QueueUrls"]]
        self.assertEqual(sorted(names), [f"{self.stack.name}-dlq", f"{self.stack.name}-queue"])


class ThroughTheUsualTemplates(unittest.TestCase):
    """The negative control: the same judgement must find the usual templates at fault."""

    def faults(self, mapping: str) -> list[tuple[bytes, str]]:
        text = template.GATEWAY.read_text()
        ours = json.dumps(template.request_template(template.load(), fifo=False))  # with its quotes as in the file
        self.assertEqual(text.count(ours), 1)
        stack = Stack(text.replace(ours, json.dumps(mapping)))
        self.addCleanup(stack.delete)
        door, faults = Door(stack), []
        tried = bodies.fixed()
        for body in tried:
            found = wrong(body, door.send(body), stack.take(), {bodies.expected(body)})
            if found:
                faults.append((body, found))
        print(f"fuzz: {len(faults)} of {len(tried)} bodies go wrong with {mapping}")
        return faults

    def test_not_encoded_cuts_bodies_and_lets_clients_add_parameters(self):
        faults = dict(self.faults("Action=SendMessage&Version=2012-11-05&MessageBody=$input.body"))
        self.assertIn("queued 'a'", faults[b"a&b"])
        self.assertEqual("queued 0 messages", faults[b"x&DelaySeconds=900"])
        self.assertGreater(len(faults), 20)

    def test_json_encoded_rewrites_bodies_and_queues_what_is_not_json_as_empty(self):
        faults = dict(self.faults("Action=SendMessage&Version=2012-11-05&MessageBody=$util.urlEncode($input.json('$'))"))
        self.assertIn("""queued '""'""", faults[b"a&b"])
        self.assertGreater(len(faults), 20)
