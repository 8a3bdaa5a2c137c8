"""Dead-letter queues and move tasks."""

import json
import time

from harness import NO_QUEUE, check, equal, refused, true


def policy(arn, count=1):
    return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})


def pair(b, count=1):
    """A queue and its dead-letter queue."""
    dead = b.queue()
    return b.queue(RedrivePolicy=policy(b.arn(dead), count), VisibilityTimeout="0"), dead


def kill(b, url, *bodies):
    """Sends bodies and receives them until all are in the dead-letter queue."""
    for body in bodies:
        b.send(url, body)
    while b.receive(url, MaxNumberOfMessages=1):
        pass


@check
def a_message_goes_to_the_dead_letter_queue(b):
    url, dead = pair(b, 2)
    sent = b.send(url)
    b.one(url)
    b.one(url)
    equal(b.receive(url), [])
    got = b.one(dead, MessageSystemAttributeNames=["All"])
    equal(got["MessageId"], sent["MessageId"])
    a = got["Attributes"]
    equal((a["ApproximateReceiveCount"], a["DeadLetterQueueSourceArn"]), ("3", b.arn(url)))


@check
def a_redrive_policy_is_checked(b):
    dead = b.arn(b.queue())
    for text, part in [
        ("nonsense", "not a valid JSON map"), ('{"maxReceiveCount":1}', "deadLetterTargetArn"),
        (json.dumps({"deadLetterTargetArn": dead}), "maxReceiveCount"), (policy(dead, 0), "maxReceiveCount: 0"),
        (policy(dead, 1001), "from 1 to 1000"), (policy(dead + "x"), "does not exist"),
        (policy(b.arn(b.fifo())), "same type"),
    ]:
        with refused("InvalidParameterValue", part):
            b.queue(RedrivePolicy=text)


@check
def a_redrive_policy_can_be_removed(b):
    url, _ = pair(b)
    equal(json.loads(b.attributes(url, "RedrivePolicy")["RedrivePolicy"])["maxReceiveCount"], 1)
    b.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    true("RedrivePolicy" not in b.attributes(url), "it is still there")


@check
def a_dead_letter_queue_chooses_its_sources(b):
    dead, friend = b.queue(), b.queue()
    arn = b.arn(dead)

    def allow(**p):
        b.sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(p)})

    def use(url):
        b.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy(arn)})

    allow(redrivePermission="denyAll")
    with refused("InvalidParameterValue", "RedriveAllowPolicy"):
        use(friend)
    allow(redrivePermission="byQueue", sourceQueueArns=[b.arn(friend)])
    use(friend)
    with refused("InvalidParameterValue", "RedriveAllowPolicy"):
        use(b.queue())
    for bad in ({"redrivePermission": "some"}, {"redrivePermission": "byQueue"}, {"redrivePermission": "allowAll", "sourceQueueArns": [arn]}):
        with refused("InvalidAttributeValue", "RedriveAllowPolicy"):
            allow(**bad)
    equal(b.sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"], [friend])


@check
def sources_are_listed_in_pages(b):
    dead = b.queue()
    sources = sorted(b.queue(RedrivePolicy=policy(b.arn(dead))) for _ in range(3))
    pages = b.sqs.get_paginator("list_dead_letter_source_queues").paginate(QueueUrl=dead, PaginationConfig={"PageSize": 2})
    equal(sorted(u for page in pages for u in page["queueUrls"]), sources)
    equal(b.sqs.list_dead_letter_source_queues(QueueUrl=sources[0])["queueUrls"], [])
    with refused(NO_QUEUE):
        b.sqs.list_dead_letter_source_queues(QueueUrl=dead + "x")


def wait_for(b, arn, status):
    for _ in range(100):
        task = b.sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]
        if task["Status"] == status:
            return task
        time.sleep(0.05)
    raise AssertionError(f"the task is {task}, not {status}")


@check
def a_move_task_returns_messages_to_their_source(b):
    url, dead = pair(b)
    kill(b, url, "1", "2", "3")
    equal(b.counts(dead)[0], 3)
    b.sqs.start_message_move_task(SourceArn=b.arn(dead))
    task = wait_for(b, b.arn(dead), "COMPLETED")
    equal((task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]), (3, 3))
    equal((b.counts(url)[0], b.counts(dead)[0]), (3, 0))
    a = b.receive(url, MessageSystemAttributeNames=["All"])[0]["Attributes"]
    equal(a["ApproximateReceiveCount"], "1")


@check
def a_move_task_can_go_elsewhere_and_be_cancelled(b):
    url, dead = pair(b)
    elsewhere = b.queue()
    kill(b, url, *map(str, range(5)))
    handle = b.sqs.start_message_move_task(
        SourceArn=b.arn(dead), DestinationArn=b.arn(elsewhere), MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    with refused("InvalidParameterValue", "already a task running"):
        b.sqs.start_message_move_task(SourceArn=b.arn(dead))
    b.sqs.cancel_message_move_task(TaskHandle=handle)
    task = wait_for(b, b.arn(dead), "CANCELLED")
    equal(b.counts(elsewhere)[0], task["ApproximateNumberOfMessagesMoved"])
    with refused("AWS.SimpleQueueService.UnsupportedOperation"):
        b.sqs.cancel_message_move_task(TaskHandle=handle)


@check
def move_tasks_are_checked(b):
    url, dead = pair(b)
    with refused("InvalidParameterValue", "Dead Letter Queue"):
        b.sqs.start_message_move_task(SourceArn=b.arn(url))
    with refused("ResourceNotFoundException", "SourceArn", 404):
        b.sqs.start_message_move_task(SourceArn=b.arn(dead) + "x")
    with refused("ResourceNotFoundException", "DestinationArn"):
        b.sqs.start_message_move_task(SourceArn=b.arn(dead), DestinationArn=b.arn(dead) + "x")
    with refused("InvalidParameterValue", "MaxNumberOfMessagesPerSecond"):
        b.sqs.start_message_move_task(SourceArn=b.arn(dead), MaxNumberOfMessagesPerSecond=501)
    with refused("InvalidParameterValue", "TaskHandle"):
        b.sqs.cancel_message_move_task(TaskHandle="nonsense")
