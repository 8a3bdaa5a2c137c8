"""Lambda functions as Powertools' documentation has them, run by awslambdaric."""

import json
import os

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, SqsFifoPartialProcessor, process_partial_response

standard = BatchProcessor(event_type=EventType.SQS)
fifo = SqsFifoPartialProcessor()


def record_handler(record):
    payload = json.loads(record.body)
    if payload["number"] % 33 == 0:  # 3 %
        raise ValueError("this one never works")
    with open(os.environ["DONE"], "a") as done:
        done.write(f"{payload['number']}\n")


def handler(event, context):
    return process_partial_response(event=event, record_handler=record_handler, processor=standard, context=context)


def fifo_handler(event, context):
    return process_partial_response(event=event, record_handler=record_handler, processor=fifo, context=context)


def plain_handler(event, context):
    """One that reports no failures: it raises."""
    for record in event["Records"]:
        number = json.loads(record["body"])["number"]
        if number % 33 == 0:
            raise KeyError(number)
        with open(os.environ["DONE"], "a") as done:
            done.write(f"{number}\n")
    return {"statusCode": 200, "processed": len(event["Records"])}
