"""The stack on LocalStack: made with its defaults and with every parameter, its queues updated, deleted."""

import json
import unittest

import template
from botocore.exceptions import ClientError
from emulator import ACCOUNT, REGION, Door, Stack, client, message_of


def arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


class WithDefaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.delete)
        cls.door = Door(cls.stack)

    def test_the_outputs_name_the_queues_and_the_endpoint(self):
        outputs, name = self.stack.outputs, self.stack.name
        self.assertEqual(set(outputs), {"Endpoint", "EndpointArn", "QueueUrl", "QueueArn", "DeadLetterQueueUrl", "DeadLetterQueueArn"})
        self.assertEqual(outputs["QueueArn"], arn(f"{name}-queue"))
        self.assertEqual(outputs["DeadLetterQueueArn"], arn(f"{name}-dlq"))
        self.assertTrue(outputs["QueueUrl"].endswith(f"/{name}-queue"))
        self.assertTrue(outputs["DeadLetterQueueUrl"].endswith(f"/{name}-dlq"))
        self.assertRegex(outputs["Endpoint"], r"^https://[a-z0-9]+\.execute-api\..*/prod/example$")

    def test_the_queue_has_its_attributes(self):
        attributes = self.stack.attributes()
        for name, value in {"VisibilityTimeout": "60", "MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576",
                            "ReceiveMessageWaitTimeSeconds": "20", "SqsManagedSseEnabled": "true"}.items():
            self.assertEqual(attributes[name], value, name)
        redrive = json.loads(attributes["RedrivePolicy"])
        self.assertEqual((redrive["deadLetterTargetArn"], int(redrive["maxReceiveCount"])), (self.stack.outputs["DeadLetterQueueArn"], 5))
        self.assertNotIn("FifoQueue", attributes)
        self.assertNotIn("KmsMasterKeyId", attributes)

    def test_the_dead_letter_queue_has_its_attributes(self):
        attributes = self.stack.attributes("DeadLetterQueueUrl")
        self.assertEqual((attributes["MessageRetentionPeriod"], attributes["SqsManagedSseEnabled"]), ("1209600", "true"))
        self.assertNotIn("RedrivePolicy", attributes)

    def test_a_request_is_answered_202_with_the_message_id(self):
        status, headers, text = self.door.send(b'{"order":1}')
        (message,) = self.stack.take()
        self.assertEqual((status, json.loads(text)), (202, {"messageId": message["MessageId"]}))
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(message["Body"], '{"order":1}')

    def test_braces_and_an_empty_body_are_the_message_braces(self):
        for body in (b"{}", b""):
            self.assertEqual(self.door.send(body)[0], 202)
            self.assertEqual([m["Body"] for m in self.stack.take()], ["{}"])

    def test_the_trace_of_a_request_is_the_messages(self):
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for headers, wanted in [
            ([("traceparent", parent), ("tracestate", "vendor=1,b=2")], {"traceparent": parent, "tracestate": "vendor=1,b=2"}),
            ([("Traceparent", parent)], {"traceparent": parent}),
            ([("traceparent", "broken"), ("tracestate", "vendor=1")], {}),
            ([("tracestate", "vendor=1")], {}),
        ]:
            self.assertEqual(self.door.send(b'{"a":"b&c"}', headers=headers)[0], 202)
            (message,) = self.stack.take()
            self.assertEqual(message["Body"], '{"a":"b&c"}')
            self.assertEqual({name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}, wanted)

    def test_the_role_may_only_send(self):
        role = self.stack.resource("SendRole")
        document = client("iam").get_role_policy(RoleName=role, PolicyName="send")["PolicyDocument"]
        self.assertEqual(document["Statement"], [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.stack.outputs["QueueArn"]}])

    def test_a_lost_queue_is_a_502_that_names_no_internals(self):
        stack = Stack()
        self.addCleanup(stack.delete)
        client("sqs").delete_queue(QueueUrl=stack.outputs["QueueUrl"])
        status, _, text = Door(stack).send(b"x")
        self.assertEqual((status, json.loads(text)), (502, {"message": "The message could not be queued."}))

    def test_another_path_or_method_is_refused_and_queues_nothing(self):
        for method, path in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("PATCH", ""), ("POST", self.door.base + "/prod/other"),
                             ("POST", self.door.base + "/prod"), ("POST", self.door.base + "/prod/example/other")]:
            status, _, _ = self.door.send(b"x", method=method, path=path)
            self.assertIn(status, (403, 404), (method, path))
        self.assertEqual(self.stack.take(), [])


class WithEveryParameter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key = client("kms").create_key()["KeyMetadata"]
        cls.queue = "orders-" + cls.key["KeyId"][:8]
        cls.parameters = {"StageName": "v1", "Path": "orders", "Authorizer": "AWS_IAM", "QueueDeletion": "RetainExceptOnCreate", "QueueName": cls.queue, "Fifo": "true", "MessageRetention": "3600", "VisibilityTimeout": "45",
                          "MaxReceiveCount": "3", "MaximumMessageSize": "2048", "KmsKeyId": cls.key["KeyId"], "ThrottleRate": "7",
                          "ThrottleBurst": "9", "AccessLogs": "true", "RefuseEmptyBody": "true"}
        assert set(cls.parameters) == set(template.load()["Parameters"])
        cls.stack = Stack(**cls.parameters)
        cls.addClassCleanup(cls.stack.delete)
        cls.door = Door(cls.stack)

    def test_both_queues_are_fifo_queues_of_that_name(self):
        self.assertEqual(self.stack.outputs["QueueArn"], arn(f"{self.queue}.fifo"))
        self.assertEqual(self.stack.outputs["DeadLetterQueueArn"], arn(f"{self.queue}-dlq.fifo"))
        for output in ("QueueUrl", "DeadLetterQueueUrl"):
            self.assertEqual(self.stack.attributes(output)["FifoQueue"], "true")

    def test_the_queue_has_its_attributes(self):
        attributes = self.stack.attributes()
        for name, value in {"VisibilityTimeout": "45", "MessageRetentionPeriod": "3600", "MaximumMessageSize": "2048",
                            "KmsMasterKeyId": self.key["KeyId"]}.items():
            self.assertEqual(attributes[name], value, name)
        self.assertEqual(int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]), 3)

    def test_the_dead_letter_queue_is_encrypted_with_the_key(self):
        attributes = self.stack.attributes("DeadLetterQueueUrl")
        self.assertEqual((attributes["KmsMasterKeyId"], attributes["MessageRetentionPeriod"]), (self.key["KeyId"], "1209600"))

    def test_the_role_may_use_the_key_that_was_given_by_id(self):
        document = client("iam").get_role_policy(RoleName=self.stack.resource("SendRole"), PolicyName="send")["PolicyDocument"]
        self.assertEqual(document["Statement"][1:], [{"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": self.key["Arn"]}])

    def test_the_role_may_use_a_key_that_was_given_by_arn(self):
        stack = Stack(KmsKeyId=self.key["Arn"])
        self.addCleanup(stack.delete)
        document = client("iam").get_role_policy(RoleName=stack.resource("SendRole"), PolicyName="send")["PolicyDocument"]
        self.assertEqual(document["Statement"][1]["Resource"], self.key["Arn"])

    def test_the_stage_has_its_name_and_the_queues(self):
        self.assertTrue(self.stack.outputs["Endpoint"].endswith("/v1/orders"))
        self.assertTrue(self.stack.outputs["EndpointArn"].endswith("/v1/POST/orders"))
        stage = client("apigateway").get_stage(restApiId=self.stack.resource("Api"), stageName="v1")
        self.assertEqual(stage["variables"], {"queue": f"{self.queue}.fifo", "refuseEmptyBody": "true"})

    def test_requests_have_to_be_signed_by_who_may_invoke_it(self):
        api = self.stack.resource("Api")
        method = client("apigateway").get_method(restApiId=api, resourceId=self.stack.resource("Example"), httpMethod="POST")
        self.assertEqual(method["authorizationType"], "AWS_IAM")

    def test_the_access_log_has_a_group(self):
        groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/apigateway/{self.stack.name}")["logGroups"]
        self.assertEqual([group["logGroupName"] for group in groups], [f"/aws/apigateway/{self.stack.name}"])

    def test_a_request_without_headers_goes_to_the_default_group_and_is_never_a_duplicate(self):
        self.assertEqual([self.door.send(b"same")[0] for _ in range(3)], [202] * 3)
        messages = self.stack.take()
        self.assertEqual([m["Attributes"]["MessageGroupId"] for m in messages], ["default"] * 3)
        self.assertEqual(len({m["Attributes"]["MessageDeduplicationId"] for m in messages}), 3)

    def test_headers_give_group_and_deduplication_id(self):
        headers = [("x-message-group-id", "customer&Action=1"), ("Idempotency-Key", "k1")]
        first, second = (json.loads(self.door.send(b"once", headers=headers)[2]) for _ in range(2))
        (message,) = self.stack.take()
        self.assertEqual(first, second)
        self.assertEqual((message["Attributes"]["MessageGroupId"], message["Attributes"]["MessageDeduplicationId"]), ("customer&Action=1", "k1"))

    def test_the_trace_of_a_request_is_the_messages(self):
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.assertEqual(self.door.send(b"x", headers=[("Traceparent", parent), ("X-Message-Group-Id", "g")])[0], 202)
        (message,) = self.stack.take()
        self.assertEqual((message["MessageAttributes"]["traceparent"]["StringValue"], message["Attributes"]["MessageGroupId"]), (parent, "g"))

    def test_a_group_that_sqs_refuses_is_a_400(self):
        status, _, text = self.door.send(b"x", headers=[("X-Message-Group-Id", "with a space")])
        self.assertEqual((status, self.stack.take()), (400, []))
        self.assertIn("X-Message-Group-Id", message_of(text))

    def test_the_query_gives_no_group(self):
        status, _, _ = self.door.send(b"x", path="?X-Message-Group-Id=other&MessageGroupId=other")
        (message,) = self.stack.take()
        self.assertEqual((status, message["Attributes"]["MessageGroupId"]), (202, "default"))

    def test_an_empty_body_and_braces_are_refused_where_that_is_asked_for(self):
        for body in (b"", b"{}"):
            status, _, text = self.door.send(body)
            self.assertEqual((status, self.stack.take()), (400, []))
            self.assertIn("is empty or {} where that is refused", message_of(text))
        self.assertEqual(self.door.send(b"{ }")[0], 202)
        self.assertEqual([m["Body"] for m in self.stack.take()], ["{ }"])

    def test_a_body_over_the_queues_maximum_is_a_413(self):
        self.assertEqual(self.door.send(b"a" * 2048)[0], 202)
        status, _, text = self.door.send(b"a" * 2049)
        self.assertEqual((status, json.loads(text)), (413, {"message": "The body is too large."}))
        self.assertEqual(len(self.stack.take()), 1)


class Changed(unittest.TestCase):
    def test_queue_parameters_are_updated_in_place(self):
        stack = Stack()
        self.addCleanup(stack.delete)
        before, door = dict(stack.outputs), Door(stack)
        self.assertEqual(door.send(b"before")[0], 202)
        stack.update(VisibilityTimeout="90", MessageRetention="7200", MaxReceiveCount="7", MaximumMessageSize="4096")
        attributes = stack.attributes()
        self.assertEqual([attributes[n] for n in ("VisibilityTimeout", "MessageRetentionPeriod", "MaximumMessageSize")], ["90", "7200", "4096"])
        self.assertEqual(int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]), 7)
        self.assertEqual(stack.outputs, before)
        self.assertEqual((door.send(b"after")[0], door.send(b"a" * 4097)[0]), (202, 413))
        self.assertEqual(sorted(m["Body"] for m in stack.take()), ["after", "before"])

    def test_deleting_leaves_nothing(self):
        stack = Stack(AccessLogs="true")
        api, role, urls = stack.resource("Api"), stack.resource("SendRole"), [stack.outputs["QueueUrl"], stack.outputs["DeadLetterQueueUrl"]]
        door = Door(stack)
        stack.delete()
        self.assertIn(door.send(b"x")[0], (403, 404))
        for call in ([lambda u=u: client("sqs").get_queue_attributes(QueueUrl=u, AttributeNames=["All"]) for u in urls]
                     + [lambda: client("apigateway").get_rest_api(restApiId=api), lambda: client("iam").get_role(RoleName=role)]):
            with self.assertRaises(ClientError):
                call()
        self.assertEqual(client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/apigateway/{stack.name}")["logGroups"], [])

    def test_a_retained_queue_stays_with_its_messages_until_it_is_told_to_go(self):
        stack, sqs = Stack(QueueDeletion="Retain"), client("sqs")
        urls = [stack.outputs["QueueUrl"], stack.outputs["DeadLetterQueueUrl"]]
        for url in urls:
            self.addCleanup(sqs.delete_queue, QueueUrl=url)
        self.assertEqual(Door(stack).send(b"kept")[0], 202)
        stack.delete()
        self.assertEqual([m["Body"] for m in stack.take()], ["kept"])
        for url in urls:
            policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
            self.assertEqual(policy["Statement"][0]["Sid"], "OnlyOverTls")

        other = Stack(QueueDeletion="Retain")
        other.update(QueueDeletion="Delete")
        other.delete()
        with self.assertRaises(ClientError):
            other.attributes()

    def test_the_logging_stack_sets_the_accounts_role(self):
        stack = Stack(template.LOGGING.read_text())
        self.addCleanup(stack.delete)
        self.assertEqual(client("apigateway").get_account()["cloudwatchRoleArn"], stack.outputs["LogRoleArn"])
