"""Events, read by the CloudEvents SDKs for Python and JavaScript."""

import json

from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, from_structured_event

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

    def batch(self, port: int, attributes: dict, got) -> None:
        """Delivers seven messages, several in a request."""
        self.send([f'{{"order":{i}}}' for i in range(6)] + ["no JSON: é"], attributes=attributes)
        self.poller(f"http://127.0.0.1:{port}/", "--format", "cloudevents", "--batch", "5", "--batch-wait", "1s")
        self.emptied(20)
        sizes = [len(each) for each in got()]
        self.assertEqual((sum(sizes), max(sizes)), (7, 5))

    def test_python_reads_a_batch(self):
        batches = []

        def judge(request, body):
            self.assertEqual(request.headers["Content-Type"], "application/cloudevents-batch+json")
            # The SDK reads one event at a time; a batch is a JSON array of them.
            batches.append([from_structured_event(HTTPMessage({"content-type": "application/cloudevents+json"}, json.dumps(one).encode()))
                            for one in json.loads(body)])
            return 204

        port, _ = self.receiver(judge)
        self.batch(port, ATTRIBUTES, lambda: batches)
        events = [event for batch in batches for event in batch]
        for event in events:
            found = {name: value for name, value in event.get_attributes().items() if name in EXPECTED}
            self.assertEqual(found, EXPECTED | {"source": self.arn()})
        self.assertEqual(len({event.get_id() for event in events}), 7)
        self.assertCountEqual([event.get_data() for event in events], [{"order": i} for i in range(6)] + ["no JSON: é"])

    def test_javascript_reads_a_batch(self):
        port = self.node("cloudevents")
        self.batch(port, ATTRIBUTES, self.node_got)
        events = [event for batch in self.node_got() for event in batch]
        for event in events:
            self.assertEqual({name: event.get(name) for name in EXPECTED}, EXPECTED | {"source": self.arn()})
        self.assertEqual(len({event["id"] for event in events}), 7)
        self.assertCountEqual([event["data"] for event in events], [{"order": i} for i in range(6)] + ["no JSON: é"])
