"""FIFO queues: groups, deduplication, attempts, handles."""

import time

from harness import check, equal, refused, true


def ids(group, dedup):
    return {"MessageGroupId": group, "MessageDeduplicationId": dedup}


@check
def the_attributes_of_a_fifo_queue(b):
    a = b.attributes(b.fifo())
    equal([a[n] for n in ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")],
          ["true", "false", "queue", "perQueue"])
    with refused("InvalidAttributeValue", "FifoThroughputLimit"):
        b.fifo(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="queue")
    b.fifo(FifoThroughputLimit="perMessageGroupId", DeduplicationScope="messageGroup")
    with refused("InvalidAttributeName", "FifoQueue"):
        b.queue(FifoQueue="false")


@check
def a_group_comes_in_order_and_blocks_while_in_flight(b):
    url = b.fifo()
    b.group(url, "a", "a1", "a2", "a3")
    b.group(url, "b", "b1")
    first = b.receive(url, MaxNumberOfMessages=2)
    equal([m["Body"] for m in first], ["a1", "a2"])
    equal(b.bodies(url), ["b1"])
    for m in first:
        b.sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    equal(b.bodies(url), ["a3"])


@check
def a_released_message_comes_before_its_followers(b):
    url = b.fifo()
    b.group(url, "a", "1", "2")
    handle = b.one(url, MaxNumberOfMessages=1)["ReceiptHandle"]
    b.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    equal(b.bodies(url), ["1", "2"])


@check
def sequence_numbers_increase(b):
    url = b.fifo()
    numbers = [b.send(url, str(i), **ids("g", str(i)))["SequenceNumber"] for i in range(3)]
    true(numbers == sorted(numbers) and len(set(numbers)) == 3, f"numbers {numbers}")
    equal({len(n) for n in numbers}, {20})
    a = b.receive(url, MessageSystemAttributeNames=["All"])[0]["Attributes"]
    equal((a["SequenceNumber"], a["MessageGroupId"], a["MessageDeduplicationId"]), (numbers[0], "g", "0"))


@check
def a_duplicate_is_answered_with_the_first(b):
    url = b.fifo()
    first, second = b.send(url, "m", **ids("a", "1")), b.send(url, "other", **ids("b", "1"))
    equal((second["MessageId"], second["SequenceNumber"]), (first["MessageId"], first["SequenceNumber"]))
    b.sqs.delete_message(QueueUrl=url, ReceiptHandle=b.one(url)["ReceiptHandle"])
    b.send(url, "m", **ids("a", "1"))
    equal(b.receive(url), [])


@check
def bodies_can_deduplicate(b):
    url = b.fifo(ContentBasedDeduplication="true")
    for group in ("a", "b"):
        b.send(url, "m", MessageGroupId=group)
    b.send(url, "other", MessageGroupId="a")
    equal(b.bodies(url), ["m", "other"])


@check
def deduplication_may_be_per_group(b):
    url = b.fifo(DeduplicationScope="messageGroup")
    b.send(url, "a", **ids("a", "1"))
    b.send(url, "b", **ids("b", "1"))
    equal(sorted(b.bodies(url)), ["a", "b"])


@check
def group_and_deduplication_are_asked_for(b):
    url = b.fifo()
    with refused("MissingParameter", "MessageGroupId"):
        b.send(url, MessageDeduplicationId="1")
    with refused("InvalidParameterValue", "ContentBasedDeduplication"):
        b.send(url, MessageGroupId="a")
    with refused("InvalidParameterValue", "DelaySeconds"):
        b.send(url, DelaySeconds=1, **ids("a", "1"))
    for bad in ("", "a b", "x" * 129):
        with refused("InvalidParameterValue", "MessageGroupId"):
            b.send(url, **ids(bad, "1"))
        with refused("InvalidParameterValue", "MessageDeduplicationId"):
            b.send(url, **ids("a", bad))
    with refused("InvalidParameterValue", "not valid for this queue type"):
        b.send(b.queue(), MessageDeduplicationId="1")


@check
def a_group_on_a_standard_queue_is_a_label(b):
    url = b.queue()
    b.send(url, "1", MessageGroupId="tenant")
    b.send(url, "2", MessageGroupId="tenant")
    got = [b.one(url, MaxNumberOfMessages=1, MessageSystemAttributeNames=["MessageGroupId"]) for _ in range(2)]
    equal([m["Attributes"]["MessageGroupId"] for m in got], ["tenant", "tenant"])


@check
def an_attempt_is_repeated_with_its_messages(b):
    url = b.fifo()
    b.group(url, "a", "1", "2")
    first = b.receive(url, ReceiveRequestAttemptId="x")
    equal(b.receive(url, ReceiveRequestAttemptId="y"), [])
    again = b.receive(url, ReceiveRequestAttemptId="x")
    equal([m["MessageId"] for m in again], [m["MessageId"] for m in first])


@check
def an_expired_handle_is_refused(b):
    url = b.fifo(VisibilityTimeout="1")
    b.group(url, "a", "1")
    handle = b.one(url)["ReceiptHandle"]
    time.sleep(1.1)
    with refused("InvalidParameterValue", "expired"):
        b.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    with refused("InvalidParameterValue", "expired"):
        b.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)
    equal(b.bodies(url), ["1"])
