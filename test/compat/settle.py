"""Visibility and deletes: handles, extensions, batches."""

import time

from harness import check, equal, refused, true


def delete(b, url, handle):
    b.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)


def change(b, url, handle, seconds):
    b.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds)


@check
def a_deleted_message_is_gone_and_may_be_deleted_again(b):
    url = b.queue(VisibilityTimeout="0")
    b.send(url)
    handle = b.one(url)["ReceiptHandle"]
    delete(b, url, handle)
    delete(b, url, handle)
    equal(b.receive(url), [])
    with refused("InvalidParameterValue", "not available for visibility timeout change"):
        change(b, url, handle, 1)


@check
def visibility_ends_on_time(b):
    url = b.queue(VisibilityTimeout="2")
    b.send(url)
    start = time.monotonic()
    b.one(url)
    equal(b.receive(url), [])
    got = b.one(url, WaitTimeSeconds=20, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    took = time.monotonic() - start
    true(1.99 <= took < 10, f"hidden for {took} s")
    equal(got["Attributes"]["ApproximateReceiveCount"], "2")


@check
def visibility_is_extended_and_ended(b):
    url = b.queue(VisibilityTimeout="2")
    b.send(url)
    handle = b.one(url)["ReceiptHandle"]
    change(b, url, handle, 30)
    time.sleep(2.2)
    equal(b.receive(url), [])
    change(b, url, handle, 0)
    b.one(url)


@check
def an_older_handle_deletes_nothing(b):
    url = b.queue()
    b.send(url)
    old = b.one(url, VisibilityTimeout=0)["ReceiptHandle"]
    new = b.one(url)["ReceiptHandle"]
    true(old != new, "the same handle twice")
    delete(b, url, old)
    equal(b.counts(url), (0, 1, 0))
    delete(b, url, new)
    equal(b.counts(url), (0, 0, 0))


@check
def a_message_whose_visibility_ended_can_still_be_deleted(b):
    url = b.queue()
    b.send(url)
    delete(b, url, b.one(url, VisibilityTimeout=0)["ReceiptHandle"])
    equal(b.receive(url), [])


@check
def visibility_is_checked(b):
    url = b.queue()
    b.send(url)
    handle = b.one(url)["ReceiptHandle"]
    for seconds in (-1, 43201):
        with refused("InvalidParameterValue", "VisibilityTimeout"):
            change(b, url, handle, seconds)
    time.sleep(1)
    with refused("InvalidParameterValue", "beyond the limit"):
        change(b, url, handle, 43200)
    change(b, url, handle, 0)
    with refused("AWS.SimpleQueueService.MessageNotInflight"):
        change(b, url, handle, 10)


@check
def handles_that_are_none_are_refused(b):
    url, other = b.queue(), b.queue()
    b.send(other)
    for handle in ["nonsense", b.one(other)["ReceiptHandle"]]:
        with refused("ReceiptHandleIsInvalid"):
            delete(b, url, handle)
        with refused("ReceiptHandleIsInvalid"):
            change(b, url, handle, 1)


@check
def a_batch_of_deletes_answers_entry_by_entry(b):
    url = b.queue()
    for i in range(3):
        b.send(url, str(i))
    handles = [m["ReceiptHandle"] for m in b.receive(url)] + ["nonsense"]
    entries = [{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(handles)]
    out = b.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    equal([e["Id"] for e in out["Successful"]], ["0", "1", "2"])
    equal([(e["Id"], e["Code"], e["SenderFault"]) for e in out["Failed"]], [("3", "ReceiptHandleIsInvalid", True)])
    equal(b.counts(url), (0, 0, 0))


@check
def a_batch_of_visibilities_answers_entry_by_entry(b):
    url = b.queue()
    for i in range(3):
        b.send(url, str(i))
    handles = [m["ReceiptHandle"] for m in b.receive(url)]
    entries = [{"Id": str(i), "ReceiptHandle": h, "VisibilityTimeout": s} for i, (h, s) in enumerate(zip(handles, (0, 60, 43201)))]
    out = b.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    equal([e["Id"] for e in out["Successful"]], ["0", "1"])
    equal([(e["Id"], e["Code"], e["SenderFault"]) for e in out["Failed"]], [("2", "InvalidParameterValue", True)])
    equal(b.counts(url), (1, 2, 0))


@check
def batches_are_checked_as_a_whole(b):
    url = b.queue()
    prefix = "AWS.SimpleQueueService."
    for ids, code in [
        ([], "EmptyBatchRequest"), (range(11), "TooManyEntriesInBatchRequest"),
        (["a", "a"], "BatchEntryIdsNotDistinct"), (["a.b"], "InvalidBatchEntryId"),
    ]:
        entries = [{"Id": str(i), "ReceiptHandle": "h", "VisibilityTimeout": 1} for i in ids]
        with refused(prefix + code):
            b.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        for e in entries:
            del e["VisibilityTimeout"]
        with refused(prefix + code):
            b.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
