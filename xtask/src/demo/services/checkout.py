"""A small `checkout` service behind the alias of a function. Version 2 is a bad deployment."""

import functools
import json
import sys
import threading

import shop
from shop import lambda_, say

HANDLER = '''
import json

VERSION = {version}

def handler(event, context):
    # The bad deployment: version 2 needs a field that the shops in the field do not send yet.
    currency = event["currency"] if VERSION == 2 else event.get("currency", "EUR")
    print(json.dumps({{"version": VERSION, "order": event["order"], "currency": currency, "paid": True}}))
    return {{"version": VERSION, "paid": True}}
'''

name, errors_metric, orders_metric, topic, pause = sys.argv[1:6]
updated = threading.Event()


def deploy(_):
    """Version 1, healthy, behind the alias `live`, and the alarm on its errors."""
    shop.function(name, HANDLER.format(version=1), Publish=True)
    shop.alarm(f"{name}-errors", errors_metric, topic)
    alias = lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    say("deployed", resource=alias["AliasArn"], version="1")


def also(alias):
    """Another alias at version 1, which no customer uses."""
    made = lambda_.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    say("deployed", resource=made["AliasArn"], version="1")


def release(alias):
    """Version 2 behind an alias, all at once."""
    alias = lambda_.update_alias(FunctionName=name, Name=alias or "live", FunctionVersion=second())
    say("released", resource=alias["AliasArn"], version=alias["FunctionVersion"])


@functools.cache
def second():
    lambda_.update_function_code(FunctionName=name, ZipFile=shop.code(HANDLER.format(version=2)))
    return lambda_.publish_version(FunctionName=name)["Version"]


def update_shops(_):
    updated.set()
    say("shops-updated")


def alias(wanted):
    found = lambda_.get_alias(FunctionName=name, Name=wanted or "live")
    say("alias", version=found["FunctionVersion"], revision=found["RevisionId"])


def order(number):
    """One customer: True where the order was paid."""
    fields = {"order": number, "currency": "EUR"} if updated.is_set() else {"order": number}
    answer = lambda_.invoke(FunctionName=f"{name}:live", Payload=json.dumps(fields))
    answer["Payload"].read()
    return "FunctionError" not in answer


shop.serve(
    {
        "deploy": deploy,
        "also": also,
        "release": release,
        "update-shops": update_shops,
        "alias": alias,
        "alarm": lambda state: shop.await_alarm(f"{name}-errors", state),
    },
    shop.Customers(order, errors_metric, orders_metric, float(pause)),
)
