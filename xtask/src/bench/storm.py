"""The hands of the storm: puts its events into the queue, waits until nothing is left of them, and counts incidents."""

import concurrent.futures
import json
import os
import sys
import time

import botocore.session

session = botocore.session.get_session()
sqs, dynamodb = (session.create_client(name, region_name=os.environ["AWS_REGION"]) for name in ("sqs", "dynamodb"))


def send(queue, bodies):
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    if answer.get("Failed"):
        raise SystemExit(f"the queue refused messages: {answer['Failed']}")


def depth(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def incidents(table):
    ids = set()
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk"):
        ids.update(item["pk"]["S"] for item in page["Items"] if item["pk"]["S"].startswith("INC#"))
    return len(ids)


wanted = json.loads(sys.stdin.readline())
queue, letters, bodies = wanted["queue"], wanted["letters"], wanted["bodies"]
copies = [bodies[n % len(bodies)] for n in range(wanted["events"])]
began = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    batches = [copies[n : n + 10] for n in range(0, len(copies), 10)]
    list(pool.map(lambda batch: send(queue, batch), batches))
while depth(queue):
    time.sleep(0.5)
took = time.monotonic() - began
print(json.dumps({"seconds": took, "incidents": incidents(wanted["table"]), "dead_letters": depth(letters)}))
