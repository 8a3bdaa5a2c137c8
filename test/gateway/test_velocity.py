"""The mapping templates in a real Velocity engine. LocalStack's is another, and strips white space."""

import base64
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from urllib.parse import parse_qsl

import bodies
import template

# What the usual instructions say. All must fail here, or these tests prove nothing.
UNENCODED = "Action=SendMessage&Version=2012-11-05&MessageBody=$input.json('$')"
UNENCODED_BODY = "Action=SendMessage&Version=2012-11-05&MessageBody=$input.body"
ENCODED_JSON = "Action=SendMessage&Version=2012-11-05&MessageBody=$util.urlEncode($input.json('$'))"


class Velocity:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        classpath = os.environ["GATEWAY_CLASSPATH"] + self.folder.name
        source = str(Path(__file__).parent / "Render.java")
        subprocess.run(["javac", "-nowarn", "-cp", classpath, "-d", self.folder.name, source], check=True)
        self.process = subprocess.Popen(["java", "-Dfile.encoding=UTF-8", "-cp", classpath, "Render"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, encoding="utf-8")

    def render(self, text: str, body: bytes, headers: list = (), refuse_empty: str = "false") -> tuple[str, int | None]:
        request = {"template": text, "body": base64.b64encode(body).decode(), "headers": list(headers),
                   "variables": {"queue": "orders", "refuseEmptyBody": refuse_empty}}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["text"], answer["status"] and int(answer["status"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def sent(form: str) -> list[tuple[str, str]]:
    """The parameters as SQS reads them; an error where it is no form at all."""
    return parse_qsl(form, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=20)


def wrong(form: str, body: bytes, more: list = ()) -> str:
    """Why the rendered form is not what the body asks for; empty if it is."""
    start = [("Action", "SendMessage"), ("Version", "2012-11-05")]
    wanted = start if bodies.altered(body) else start + [("MessageBody", bodies.queued(body).decode())] + list(more)
    try:
        got = sent(form)
    except ValueError as e:
        return f"no form: {e}"
    return "" if got == wanted else f"{got!r:.300} is not {wanted!r:.300}"


class InVelocity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.velocity = Velocity()
        cls.addClassCleanup(cls.velocity.close)
        cls.template = template.load()
        cls.seed = bodies.seed()
        number = int(os.environ.get("GATEWAY_BODIES") or 600)
        cls.bodies = bodies.fixed() + bodies.sizes() + bodies.made(number, cls.seed)
        print(f"velocity: {len(cls.bodies)} bodies, GATEWAY_SEED={cls.seed}")

    def test_every_body_becomes_exactly_one_parameter_or_none(self):
        text = template.request_template(self.template, fifo=False)
        for body in self.bodies:
            form, _ = self.velocity.render(text, body)
            self.assertEqual(wrong(form, body), "", f"GATEWAY_SEED={self.seed}, body {body[:200]!r}")

    def test_every_body_becomes_exactly_one_parameter_or_none_on_fifo(self):
        text = template.request_template(self.template, fifo=True)
        ids = [("MessageGroupId", "default"), ("MessageDeduplicationId", "Ab1cDEF_GhIjKLM=")]
        for body in self.bodies:
            form, _ = self.velocity.render(text, body)
            self.assertEqual(wrong(form, body, ids), "", f"GATEWAY_SEED={self.seed}, body {body[:200]!r}")

    def test_an_empty_body_and_braces_are_the_message_braces_unless_they_are_refused(self):
        for fifo in (False, True):
            text = template.request_template(self.template, fifo)
            for body in bodies.EMPTY:
                self.assertIn(("MessageBody", "{}"), sent(self.velocity.render(text, body)[0]))
                refused = sent(self.velocity.render(text, body, refuse_empty="true")[0])
                self.assertEqual([("Action", "SendMessage"), ("Version", "2012-11-05")], refused)
            for body in (b"{ }", b"{}\n", b'{"a":1}', b"[]"):
                form, _ = self.velocity.render(text, body, refuse_empty="true")
                self.assertIn(("MessageBody", body.decode()), sent(form))

    def test_the_usual_templates_fail(self):
        for text in (UNENCODED, UNENCODED_BODY, ENCODED_JSON):
            failed = [body for body in self.bodies if wrong(self.velocity.render(text, body)[0], body)]
            print(f"velocity: {len(failed)} of {len(self.bodies)} bodies go wrong with {text}")
            self.assertGreater(len(failed), len(self.bodies) // 4)

    def test_without_its_guard_the_template_passes_on_what_was_not_sent(self):
        line = "Action=SendMessage&Version=2012-11-05&MessageBody=$util.urlEncode($input.body)"
        for body in self.bodies:
            parameters = sent(self.velocity.render(line, body)[0])
            if bodies.altered(body) and b"\xef\xbf\xbd" not in body:
                self.assertNotEqual(parameters[2][1].encode(), body)

    def test_the_usual_template_lets_a_client_add_a_parameter(self):
        form, _ = self.velocity.render(UNENCODED_BODY, b"x&DelaySeconds=900")
        self.assertIn(("DelaySeconds", "900"), sent(form))

    def test_a_line_break_at_the_templates_end_would_become_part_of_the_body(self):
        # The trap of a folded string, which LocalStack does not show.
        form, _ = self.velocity.render(UNENCODED_BODY + "\n", b"x")
        self.assertNotEqual(wrong(form, b"x"), "")

    def test_group_and_deduplication_id_come_from_headers_in_any_case(self):
        text = template.request_template(self.template, fifo=True)
        for group, key in [("X-Message-Group-Id", "Idempotency-Key"), ("x-message-group-id", "idempotency-key"),
                           ("X-MESSAGE-GROUP-ID", "IDEMPOTENCY-KEY")]:
            form, _ = self.velocity.render(text, b"x", [["Host", "a"], [group, "g&Action=DeleteQueue"], [key, "k=1"]])
            self.assertEqual(sent(form)[2:], [("MessageBody", "x"), ("MessageGroupId", "g&Action=DeleteQueue"), ("MessageDeduplicationId", "k=1")])

    def test_empty_group_and_deduplication_headers_count_as_none(self):
        text = template.request_template(self.template, fifo=True)
        form, _ = self.velocity.render(text, b"x", [["X-Message-Group-Id", ""], ["idempotency-key", ""]])
        self.assertEqual(sent(form)[3:], [("MessageGroupId", "default"), ("MessageDeduplicationId", "Ab1cDEF_GhIjKLM=")])

    def test_headers_of_other_names_change_nothing(self):
        text = template.request_template(self.template, fifo=True)
        form, _ = self.velocity.render(text, b"x", [["X-Message-Group-Id-2", "g"], ["MessageGroupId", "g"], ["", "g"], ["Action", "DeleteQueue"]])
        self.assertEqual(sent(form)[3], ("MessageGroupId", "default"))

    PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @staticmethod
    def attribute(number: int, name: str, value: str) -> list:
        start = f"MessageAttribute.{number}."
        return [(start + "Name", name), (start + "Value.DataType", "String"), (start + "Value.StringValue", value)]

    def test_a_trace_becomes_attributes_of_the_message(self):
        state = "vendor=a&Action=DeleteQueue,other=1+1 %26"
        for fifo in (False, True):
            text = template.request_template(self.template, fifo)
            without = sent(self.velocity.render(text, b"x")[0])
            for names in (("traceparent", "tracestate"), ("Traceparent", "Tracestate"), ("TRACEPARENT", "TRACESTATE")):
                form, _ = self.velocity.render(text, b"x", [["Host", "a"], [names[0], self.PARENT]])
                self.assertEqual(sent(form), without + self.attribute(1, "traceparent", self.PARENT))
                form, _ = self.velocity.render(text, b"x", [[names[1], state], [names[0], self.PARENT]])
                self.assertEqual(sent(form), without + self.attribute(1, "traceparent", self.PARENT) + self.attribute(2, "tracestate", state))

    def test_what_is_no_trace_is_not_passed_on(self):
        parent = self.PARENT
        for fifo in (False, True):
            text = template.request_template(self.template, fifo)
            without = sent(self.velocity.render(text, b"x")[0])
            for bad in ["", parent[:-1], parent + "0", parent + "\n", "\n" + parent, parent.upper(), parent.replace("-", "&"), parent + "&DelaySeconds=900",
                        parent.replace("4", "é"), "$input.body", parent[:-2] + "$a"]:
                form, _ = self.velocity.render(text, b"x", [["traceparent", bad], ["tracestate", "vendor=1"]])
                self.assertEqual(sent(form), without, bad)
            for bad in ["", "a" * 513, "vendor=é", "a=1\n", "a=\x7f", "\ufffd"]:
                form, _ = self.velocity.render(text, b"x", [["traceparent", parent], ["tracestate", bad]])
                self.assertEqual(sent(form), without + self.attribute(1, "traceparent", parent), bad)
            for other in ("traceparent2", "x-traceparent", "trace parent"):
                self.assertEqual(sent(self.velocity.render(text, b"x", [[other, parent]])[0]), without)
            # A body that SQS cannot hold is refused with a trace as without.
            self.assertEqual(sent(self.velocity.render(text, b"\xff", [["traceparent", parent]])[0]), [("Action", "SendMessage"), ("Version", "2012-11-05")])

    def test_an_accepted_message_is_answered_with_its_id(self):
        answer = {"SendMessageResponse": {"SendMessageResult": {"MessageId": "5fea7756-0ea4-451a-a703-a558b933e274"}}}
        text, status = self.velocity.render(template.response_template(self.template, "202"), json.dumps(answer).encode())
        self.assertEqual((json.loads(text), status), ({"messageId": "5fea7756-0ea4-451a-a703-a558b933e274"}, None))

    def test_each_error_of_sqs_has_its_status_and_names_no_internals(self):
        text = template.response_template(self.template, "502")
        queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
        for code, reason, status in [
            ("MissingParameter", "The request must contain the parameter MessageBody.", 400),
            ("InvalidMessageContents", "Invalid binary character '#x1' was found in the message body", 400),
            ("InvalidParameterValue", "Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include ...", 400),
            ("InvalidParameterValue", "Value  for parameter MessageDeduplicationId is invalid. Reason: ...", 400),
            ("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.", 413),
            ("InternalError", "413 Request Entity Too Large", 413),
            ("RequestThrottled", "Request is throttled.", 429),
            ("ThrottlingException", "Rate exceeded", 429),
            ("AccessDenied", f"Access to the resource {queue} is denied.", None),
            ("AWS.SimpleQueueService.NonExistentQueue", f"The specified queue {queue} does not exist", None),
            ("KMS.AccessDeniedException", "arn:aws:kms:eu-west-1:123456789012:key/1 is denied", None),
            ("InternalFailure", "", None),
        ]:
            error = {"Error": {"Code": code, "Message": reason, "Type": "Sender"}, "RequestId": "9d1d1e5c"}
            for answer in (error, {"ErrorResponse": error}):
                shown, got = self.velocity.render(text, json.dumps(answer).encode())
                self.assertEqual(got, status, code)
                self.assertEqual(list(json.loads(shown)), ["message"])
                self.assertNotRegex(shown, r"arn:|amazonaws|\d{12}|sqs|SQS|RequestId|9d1d1e5c|KMS|denied|exist")

    def test_an_answer_that_is_no_json_is_a_502(self):
        for answer in (b"<html>Service Unavailable</html>", b"", b"[]", b"{\"Error\":null}"):
            shown, status = self.velocity.render(template.response_template(self.template, "502"), answer)
            self.assertEqual((json.loads(shown), status), ({"message": "The message could not be queued."}, None))
