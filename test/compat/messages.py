"""Messages: sending, receiving, digests, attributes, limits, delays, long polls."""

import threading
import time

import botocore.exceptions

from harness import NO_QUEUE, check, equal, md5, md5_of_attributes, refused, string, true

MEBIBYTE = 1 << 20


@check
def a_message_arrives_byte_for_byte(b):
    url = b.queue()
    body = 'ä "\\ \t\r\n 😀 <&> \u2028 \ufffd \x7f'
    sent = b.send(url, body)
    equal(sent["MD5OfMessageBody"], md5(body))
    got = b.one(url)
    equal((got["Body"], got["MD5OfBody"], got["MessageId"]), (body, md5(body), sent["MessageId"]))
    true("Attributes" not in got and "MessageAttributes" not in got, "it brings what was not asked for")


@check
def bodies_are_checked(b):
    url = b.queue()
    with refused("MissingParameter", "MessageBody"):
        b.send(url, "")
    for body in ["\x00", "a\x0b", "\x1f", "\ufffe", "\uffff"]:
        with refused("InvalidMessageContents", "Invalid characters"):
            b.send(url, body)


@check
def attributes_arrive_with_their_digest(b):
    url = b.queue()
    attributes = {
        "b": string("ü 1"), "a.1": string("-1.5e3", "Number"), "Z_-": string("x", "String.custom"),
        "bin": {"DataType": "Binary.gif", "BinaryValue": b"\x00\xff\x10"},
    }
    sent = b.send(url, MessageAttributes=attributes)
    equal(sent["MD5OfMessageAttributes"], md5_of_attributes(attributes))
    got = b.one(url, MessageAttributeNames=["All"], VisibilityTimeout=0)
    equal(got["MessageAttributes"], attributes)
    equal(got["MD5OfMessageAttributes"], md5_of_attributes(attributes))
    some = b.one(url, MessageAttributeNames=["a.*", "bin"])
    want = {name: attributes[name] for name in ("a.1", "bin")}
    equal(some["MessageAttributes"], want)
    equal(some["MD5OfMessageAttributes"], md5_of_attributes(want))


@check
def attributes_are_checked(b):
    url = b.queue()
    for name, value, part in [
        ("AWS.x", string("v"), "reserved"), ("amazon.x", string("v"), "reserved"), (".x", string("v"), "reserved"),
        ("a..b", string("v"), "succession"), ("a b", string("v"), "can only contain"), ("n" * 257, string("v"), "256"),
        ("n", string(""), "non-empty value"), ("n", string("x", "Number"), "number"),
        ("n", string("x", "Text"), "type"), ("n", string("x", ""), "type"), ("n", string("\x01"), "Invalid characters"),
        ("n", {"DataType": "Binary", "BinaryValue": b""}, "non-empty value"),
    ]:
        with refused("InvalidParameterValue", part):
            b.send(url, MessageAttributes={name: value})
    with refused("InvalidParameterValue", "10"):
        b.send(url, MessageAttributes={str(i): string("v") for i in range(11)})


@check
def the_trace_header_is_a_system_attribute(b):
    url = b.queue()
    trace = {"AWSTraceHeader": string("Root=1-5759e988-bd862e3fe1be46a994272793")}
    sent = b.send(url, MessageSystemAttributes=trace)
    equal(sent["MD5OfMessageSystemAttributes"], md5_of_attributes(trace))
    true("MD5OfMessageAttributes" not in sent, "it has no message attributes")
    got = b.one(url, MessageSystemAttributeNames=["AWSTraceHeader"])
    equal(got["Attributes"], {"AWSTraceHeader": trace["AWSTraceHeader"]["StringValue"]})
    with refused("InvalidParameterValue", "AWSTraceHeader"):
        b.send(url, MessageSystemAttributes={"Other": string("v")})


@check
def system_attributes_under_either_name(b):
    url = b.queue()
    before = int(time.time() * 1000)
    b.send(url)
    for names in ({"AttributeNames": ["All"]}, {"MessageSystemAttributeNames": ["All"]}):
        a = b.one(url, VisibilityTimeout=0, **names)["Attributes"]
        true(before - 1 <= int(a["SentTimestamp"]) <= int(a["ApproximateFirstReceiveTimestamp"]), f"times {a}")
        true(a["SenderId"], "no SenderId")
    equal(a["ApproximateReceiveCount"], "2")
    with refused("InvalidAttributeName"):
        b.receive(url, AttributeNames=["Nonsense"])


@check
def a_receive_takes_one_unless_told(b):
    url = b.queue()
    for i in range(12):
        b.send(url, str(i))
    equal(len(b.sqs.receive_message(QueueUrl=url)["Messages"]), 1)
    equal(len(b.receive(url)), 10)
    equal(b.counts(url), (1, 11, 0))


@check
def a_receive_is_checked(b):
    url = b.queue()
    for given in (
        {"MaxNumberOfMessages": 0}, {"MaxNumberOfMessages": 11}, {"WaitTimeSeconds": -1}, {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": -1}, {"VisibilityTimeout": 43201}, {"ReceiveRequestAttemptId": "a"},
    ):
        with refused("InvalidParameterValue", next(iter(given))):
            b.receive(url, **given)


@check
def a_mebibyte_fits_and_a_byte_more_does_not(b):
    url = b.queue()
    b.send(url, "x" * MEBIBYTE)
    equal(len(b.one(url)["Body"]), MEBIBYTE)
    with refused("InvalidParameterValue", "shorter than 1048576 bytes"):
        b.send(url, "x" * (MEBIBYTE + 1))
    with refused("InvalidParameterValue", "shorter than 1048576 bytes"):
        b.send(url, "x" * (MEBIBYTE - 5), MessageAttributes={"n": string("v")})
    small = b.queue(MaximumMessageSize="1024")
    with refused("InvalidParameterValue", "shorter than 1024 bytes"):
        b.send(small, "x" * 1025)


@check
def a_batch_answers_entry_by_entry(b):
    url = b.queue()
    attributes = {"n": string("v")}
    out = b.sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "good", "MessageBody": "m", "MessageAttributes": attributes},
        {"Id": "bad", "MessageBody": "\x01"},
        {"Id": "late", "MessageBody": "m", "DelaySeconds": 901},
    ])
    equal([(e["Id"], e["MD5OfMessageBody"], e["MD5OfMessageAttributes"]) for e in out["Successful"]],
          [("good", md5("m"), md5_of_attributes(attributes))])
    equal([(e["Id"], e["Code"], e["SenderFault"]) for e in out["Failed"]],
          [("bad", "InvalidMessageContents", True), ("late", "InvalidParameterValue", True)])


@check
def a_batch_is_checked_as_a_whole(b):
    url = b.queue()
    prefix = "AWS.SimpleQueueService."

    def send(*ids, body="m"):
        b.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": i, "MessageBody": body} for i in ids])

    for ids, code in [
        ([], "EmptyBatchRequest"), ([str(i) for i in range(11)], "TooManyEntriesInBatchRequest"),
        (["a", "b", "a"], "BatchEntryIdsNotDistinct"), (["a b"], "InvalidBatchEntryId"), ([""], "InvalidBatchEntryId"),
        (["x" * 81], "InvalidBatchEntryId"),
    ]:
        with refused(prefix + code, status=400):
            send(*ids)
    with refused(prefix + "BatchRequestTooLong", "1048576"):
        send("a", "b", body="x" * (MEBIBYTE // 2 + 1))
    send("a", "b", body="x" * (MEBIBYTE // 2))
    with refused(NO_QUEUE):
        b.sqs.send_message_batch(QueueUrl=url + "x", Entries=[])


@check
def a_delay_hides_a_message(b):
    url = b.queue(DelaySeconds="2")
    b.send(url, "late")
    b.send(url, "now", DelaySeconds=0)
    equal(b.bodies(url), ["now"])
    equal(b.counts(url), (0, 1, 1))
    start = time.monotonic()
    equal(b.bodies(url, WaitTimeSeconds=20), ["late"])
    true(time.monotonic() - start < 10, "the long poll did not see the delay end")
    with refused("InvalidParameterValue", "DelaySeconds"):
        b.send(url, DelaySeconds=901)


@check
def long_polls_are_served_in_the_order_of_their_arrival(b):
    url = b.queue()
    served = []

    def poll(i):
        served.append((i, b.bodies(url, WaitTimeSeconds=10, MaxNumberOfMessages=1)))

    polls = [threading.Thread(target=poll, args=(i,)) for i in range(4)]
    for p in polls:
        p.start()
        time.sleep(0.3)
    for i in range(4):
        b.send(url, str(i))
        polls[i].join(5)
    equal(served, [(i, [str(i)]) for i in range(4)])


@check
def a_long_poll_that_was_given_up_takes_nothing(b):
    url = b.queue()
    impatient = b.client(read_timeout=0.3)
    try:
        impatient.receive_message(QueueUrl=url, WaitTimeSeconds=10)
        raise AssertionError("it was answered")
    except botocore.exceptions.ReadTimeoutError:
        pass
    time.sleep(0.2)
    b.send(url)
    got = b.one(url, MessageSystemAttributeNames=["All"])
    equal(got["Attributes"]["ApproximateReceiveCount"], "1")


@check
def an_empty_long_poll_takes_its_time(b):
    url = b.queue(ReceiveMessageWaitTimeSeconds="1")
    start = time.monotonic()
    equal(b.receive(url), [])
    took = time.monotonic() - start
    true(1 <= took < 10, f"took {took} s")
    b.sqs.set_queue_attributes(QueueUrl=url, Attributes={"ReceiveMessageWaitTimeSeconds": "20"})
    start = time.monotonic()
    equal(b.receive(url, WaitTimeSeconds=0), [])
    true(time.monotonic() - start < 10, "a short poll waited")
