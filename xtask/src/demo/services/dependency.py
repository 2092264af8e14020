"""A `checkout` service that needs an `inventory`, and a `reindex` that takes all of it away: the consumer of a queue."""

import json
import sys
import time

import shop
from shop import lambda_, say

# How many can ask at once: less than the consumer, which runs five times side by side, and more than both need.
NARROW, WIDE = 2, 20

# Messages of a reindex: more than the consumer can work off while anybody watches.
BACKLOG = 400

INVENTORY = '''
import time

def handler(event, context):
    time.sleep(0.5 if event.get("everything") else 0)
    return {"in_stock": True}
'''

# A customer's question is asked once: where the inventory is saturated, the order fails.
CHECKOUT = '''
import json

import boto3
from botocore.config import Config

inventory = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))

def handler(event, context):
    try:
        inventory.invoke(FunctionName="INVENTORY", Payload=json.dumps({"order": event["order"]}))
    except inventory.exceptions.TooManyRequestsException:
        print(json.dumps({"order": event["order"], "paid": False, "reason": "the inventory refused: it is saturated"}))
        return {"paid": False}
    print(json.dumps({"order": event["order"], "paid": True}))
    return {"paid": True}
'''

# The consumer asks until it gets an answer, as one that must not lose a message does.
CONSUMER = '''
import json
import time

import boto3
from botocore.config import Config

inventory = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))

def handler(event, context):
    for record in event["Records"]:
        while True:
            try:
                inventory.invoke(FunctionName="INVENTORY", Payload=json.dumps({"everything": True}))
                break
            except inventory.exceptions.TooManyRequestsException:
                time.sleep(0.1)
        print(json.dumps({"indexed": record["body"]}))
'''

name, errors_metric, orders_metric, topic, pause = sys.argv[1:6]
inventory = f"{name}-inventory"
sqs = shop.client("sqs")


def deploy(_):
    """The inventory, what asks it, and the alarm on the orders that it refused."""
    shop.function(inventory, INVENTORY)
    lambda_.put_function_concurrency(FunctionName=inventory, ReservedConcurrentExecutions=NARROW)
    shop.function(name, CHECKOUT.replace("INVENTORY", inventory), "lambda:InvokeFunction", Timeout=30)
    shop.alarm(f"{name}-dependency-errors", errors_metric, topic)
    also("reindex")


def also(consumer):
    """A consumer of a queue of its own name."""
    consumer = f"{name}-{consumer}"
    reads = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    shop.function(consumer, CONSUMER.replace("INVENTORY", inventory), "lambda:InvokeFunction", *reads, Timeout=30)
    url = sqs.create_queue(QueueName=consumer, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    mapping = lambda_.create_event_source_mapping(FunctionName=consumer, EventSourceArn=queue, BatchSize=1)
    say("deployed", mapping=mapping["UUID"])


def reindex(_):
    """Everything is to be indexed anew, all at once."""
    url = sqs.get_queue_url(QueueName=f"{name}-reindex")["QueueUrl"]
    for first in range(0, BACKLOG, 10):
        entries = [{"Id": str(i), "MessageBody": f"article {i}"} for i in range(first, first + 10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    say("reindexing", articles=BACKLOG)


def widen(_):
    """The inventory is made large enough for all who ask."""
    lambda_.put_function_concurrency(FunctionName=inventory, ReservedConcurrentExecutions=WIDE)
    say("widened", to=WIDE)


def mapping(consumer):
    """What a consumer really does: whether its mapping is on, and what is left for it to do."""
    found = lambda_.list_event_source_mappings(FunctionName=f"{name}-{consumer}")["EventSourceMappings"][0]
    waiting, running = left(consumer)
    say("mapping", state=found["State"], waiting=waiting, running=running)


def work(consumer):
    """Waits until a consumer has taken something more from its queue."""
    before, _ = left(consumer)
    while left(consumer)[0] >= before:
        time.sleep(0.1)
    say("working")


def left(consumer):
    """How many messages wait for a consumer, and how many it works on."""
    url = sqs.get_queue_url(QueueName=f"{name}-{consumer}")["QueueUrl"]
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    return [int(found[count]) for count in counts]


def order(number):
    """One customer: True where the order was paid."""
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps({"order": number}))
    return json.loads(answer["Payload"].read()).get("paid", False)


shop.serve(
    {"deploy": deploy, "also": also, "reindex": reindex, "widen": widen, "mapping": mapping, "work": work},
    shop.Customers(order, errors_metric, orders_metric, float(pause)),
)
