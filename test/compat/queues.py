"""Queues: making, finding, listing, attributes, tags, permissions, purge, end."""

import json
import urllib.error
import urllib.request

from harness import NO_QUEUE, check, equal, refused, true


@check
def create_is_idempotent(b):
    name = b.name()
    first = b.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    equal(b.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})["QueueUrl"], first)
    equal(b.sqs.create_queue(QueueName=name)["QueueUrl"], first)
    with refused("QueueAlreadyExists", "different value for attribute VisibilityTimeout", 400):
        b.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "6"})


@check
def errors_are_of_the_sdks_types(b):
    try:
        b.sqs.get_queue_url(QueueName=b.name())
    except b.sqs.exceptions.QueueDoesNotExist as e:
        equal(e.response["Error"]["Code"], NO_QUEUE)
        equal(e.response["Error"]["QueryErrorCode"], "QueueDoesNotExist")
        equal(e.response["Error"]["Type"], "Sender")
        equal(e.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-query-error"], NO_QUEUE + ";Sender")
        return
    raise AssertionError("there is such a queue")


@check
def names_are_checked(b):
    for name in ["", "a b", "a.b", "ä", "n" * 81, "orders.fifo"]:
        with refused("InvalidParameterValue", "1 to 80"):
            b.sqs.create_queue(QueueName=name)
    with refused("InvalidParameterValue", ".fifo suffix"):
        b.sqs.create_queue(QueueName="orders", Attributes={"FifoQueue": "true"})


@check
def attributes_are_checked(b):
    for name, value in [
        ("VisibilityTimeout", "43201"), ("VisibilityTimeout", "-1"), ("VisibilityTimeout", "x"),
        ("DelaySeconds", "901"), ("MessageRetentionPeriod", "59"), ("MessageRetentionPeriod", "1209601"),
        ("MaximumMessageSize", "1023"), ("MaximumMessageSize", "1048577"), ("ReceiveMessageWaitTimeSeconds", "21"),
    ]:
        with refused("InvalidAttributeValue", name):
            b.queue(**{name: value})
    with refused("InvalidAttributeName", "Unknown Attribute Nonsense"):
        b.queue(Nonsense="1")
    with refused("InvalidAttributeName", "FifoQueue"):
        b.queue(DeduplicationScope="queue")
    with refused("InvalidAttributeName", "ContentBasedDeduplication"):
        b.queue(ContentBasedDeduplication="true")


@check
def defaults_are_those_of_sqs(b):
    a = b.attributes(b.queue())
    for name, value in {
        "VisibilityTimeout": "30", "DelaySeconds": "0", "MessageRetentionPeriod": "345600",
        "MaximumMessageSize": "1048576", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
        "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
    }.items():
        equal(a.get(name), value)
    true(a["CreatedTimestamp"].isdigit() and a["LastModifiedTimestamp"].isdigit(), "timestamps are no numbers")
    true("FifoQueue" not in a and "RedrivePolicy" not in a, "a standard queue shows what it has not")


@check
def attributes_are_set_and_asked_for_by_name(b):
    url = b.queue()
    b.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7", "DelaySeconds": "3"})
    equal(b.attributes(url, "VisibilityTimeout", "DelaySeconds"), {"VisibilityTimeout": "7", "DelaySeconds": "3"})
    with refused("InvalidAttributeName"):
        b.attributes(url, "Nonsense")
    with refused("InvalidAttributeName", "FifoQueue"):
        b.sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": "true"})
    equal(b.sqs.get_queue_attributes(QueueUrl=url).get("Attributes", {}), {})


@check
def one_kind_of_encryption_at_a_time(b):
    url = b.queue(KmsMasterKeyId="alias/orders")
    a = b.attributes(url)
    equal((a["KmsMasterKeyId"], a["KmsDataKeyReusePeriodSeconds"], a["SqsManagedSseEnabled"]), ("alias/orders", "300", "false"))
    with refused("InvalidAttributeName", "one type of server-side encryption"):
        b.sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"})


@check
def urls_are_found_by_name(b):
    url = b.queue()
    name = url.rsplit("/", 1)[1]
    equal(b.sqs.get_queue_url(QueueName=name)["QueueUrl"], url)
    equal(url, f"{b.endpoint}/{b.arn(url).split(':')[4]}/{name}")
    with refused(NO_QUEUE, "does not exist", 400):
        b.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="123456789012")


@check
def queues_are_listed_in_pages(b):
    prefix = b.name("-")
    urls = sorted(b.sqs.create_queue(QueueName=f"{prefix}{i}")["QueueUrl"] for i in range(5))
    equal(sorted(b.sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]), urls)
    first = b.sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2)
    equal(len(first["QueueUrls"]), 2)
    pages = b.sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    equal(sorted(u for page in pages for u in page.get("QueueUrls", [])), urls)
    true("QueueUrls" not in b.sqs.list_queues(QueueNamePrefix=b.name()), "a list of no queues")
    with refused("InvalidParameterValue", "MaxResults"):
        b.sqs.list_queues(MaxResults=1001)


@check
def a_deleted_queue_is_gone(b):
    url = b.queue()
    b.sqs.delete_queue(QueueUrl=url)
    for call in (
        lambda: b.send(url), lambda: b.receive(url), lambda: b.attributes(url),
        lambda: b.sqs.purge_queue(QueueUrl=url), lambda: b.sqs.delete_queue(QueueUrl=url),
        lambda: b.sqs.delete_message(QueueUrl=url, ReceiptHandle="h"),
        lambda: b.sqs.list_queue_tags(QueueUrl=url),
    ):
        with refused(NO_QUEUE):
            call()


@check
def a_purge_empties_the_queue_once_a_minute(b):
    url = b.queue()
    for i in range(3):
        b.send(url, str(i))
    b.receive(url, MaxNumberOfMessages=1)
    b.sqs.purge_queue(QueueUrl=url)
    equal(b.counts(url), (0, 0, 0))
    with refused("AWS.SimpleQueueService.PurgeQueueInProgress", "every 60 seconds", 403):
        b.sqs.purge_queue(QueueUrl=url)


@check
def tags_are_kept(b):
    url = b.sqs.create_queue(QueueName=b.name(), tags={"a": "1"})["QueueUrl"]
    b.sqs.tag_queue(QueueUrl=url, Tags={"a": "2", "B": ""})
    equal(b.sqs.list_queue_tags(QueueUrl=url)["Tags"], {"a": "2", "B": ""})
    b.sqs.untag_queue(QueueUrl=url, TagKeys=["a", "nowhere"])
    equal(b.sqs.list_queue_tags(QueueUrl=url)["Tags"], {"B": ""})
    with refused("InvalidParameterValue", "Too many tags"):
        b.sqs.tag_queue(QueueUrl=url, Tags={str(i): "" for i in range(50)})


@check
def permissions_are_written_into_the_policy(b):
    url = b.queue()
    b.sqs.add_permission(QueueUrl=url, Label="front", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    policy = json.loads(b.attributes(url, "Policy")["Policy"])
    equal([s["Sid"] for s in policy["Statement"]], ["front"])
    b.sqs.remove_permission(QueueUrl=url, Label="front")
    true("Policy" not in b.attributes(url), "the policy is still there")


@check
def an_unknown_action_is_refused(b):
    request = urllib.request.Request(
        b.endpoint, b"{}", {"X-Amz-Target": "AmazonSQS.Nonsense", "Content-Type": "application/x-amz-json-1.0"}
    )
    try:
        urllib.request.urlopen(request)
    except urllib.error.HTTPError as e:
        with e:
            equal((e.code, json.load(e)["__type"].split("#")[1]), (400, "UnknownOperationException"))
        return
    raise AssertionError("it was answered")
