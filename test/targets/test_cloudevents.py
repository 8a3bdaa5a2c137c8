"""Events, read by the CloudEvents SDKs for Python and JavaScript."""

from cloudevents.core.bindings.http import HTTPMessage, from_binary_event

from stack import Stack

ATTRIBUTES = {name: {"DataType": "String", "StringValue": value} for name, value in
              {"ce-type": "order.placed", "ce_subject": 'Zürich "1" 100%', "ce-tenant": "7"}.items()}
EXPECTED = {"specversion": "1.0", "type": "order.placed", "subject": 'Zürich "1" 100%', "tenant": "7",
            "source": "arn:aws:sqs:eu-central-1:000000000000:orders"}


class CloudEvents(Stack):
    def arn(self) -> str:
        return self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def test_python_reads_them(self):
        events = []

        def judge(request, body):
            events.append(from_binary_event(HTTPMessage(dict(request.headers.items()), body)))
            return 204

        port, _ = self.receiver(judge)
        self.send(['{"order":7}'], attributes=ATTRIBUTES)
        self.poller(f"http://127.0.0.1:{port}/", "--format", "cloudevents")
        self.emptied(10)
        found = {name: value for name, value in events[0].get_attributes().items() if name in EXPECTED}
        self.assertEqual(found, EXPECTED | {"source": self.arn()})
        self.assertEqual(events[0].get_data(), {"order": 7})

    def test_javascript_reads_them(self):
        port = self.node("cloudevents")
        self.send(['{"order":7}'], attributes=ATTRIBUTES)
        self.poller(f"http://127.0.0.1:{port}/", "--format", "cloudevents")
        self.emptied(10)
        event = self.node_got()[0]
        self.assertEqual({name: event.get(name) for name in EXPECTED if name != "subject"},
                         {name: value for name, value in (EXPECTED | {"source": self.arn()}).items() if name != "subject"})
        self.assertEqual(event["data"], {"order": 7})
