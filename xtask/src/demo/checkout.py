"""The customer of the demo and of the black-box tests: a small `checkout` service on Lambda, its traffic and its metrics.

Started by `cargo xtask` with the Python of target/tools. Commands come as lines on standard input, what happened
goes as JSON lines to standard output. The metrics are a function of what the alias `live` really answers.
"""

import datetime
import io
import json
import os
import sys
import threading
import time
import zipfile

import botocore.session

HANDLER = '''
import json

VERSION = {version}

def handler(event, context):
    # The bad deployment: version 2 needs a field that the shops in the field do not send yet.
    currency = event["currency"] if VERSION == 2 else event.get("currency", "EUR")
    print(json.dumps({{"version": VERSION, "order": event["order"], "currency": currency, "paid": True}}))
    return {{"version": VERSION, "paid": True}}
'''

name, errors_metric, orders_metric, signals_topic, pause = sys.argv[1:6]
namespace = "Checkout"
session = botocore.session.get_session()


def client(service):
    return session.create_client(service, region_name=os.environ["AWS_REGION"])


lambda_, cloudwatch, events, iam = (client(service) for service in ("lambda", "cloudwatch", "events", "iam"))
lock = threading.Lock()


def say(what, **fields):
    with lock:
        print(json.dumps({"what": what, **fields}), flush=True)


def code(version):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("checkout.py", HANDLER.format(version=version))
    return archive.getvalue()


def deploy():
    """Version 1, healthy, behind the alias `live`, and the alarm on its errors, which may tell nobody."""
    actions = [signals_topic] if signals_topic else []
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    logs = {"Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=f"{name}-role", PolicyName="logs", PolicyDocument=json.dumps(logs))
    lambda_.create_function(
        FunctionName=name, Runtime="python3.12", Handler="checkout.handler", Role=role, Code={"ZipFile": code(1)}, Publish=True
    )
    alias = lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-errors", Namespace=namespace, MetricName=errors_metric, Statistic="Sum", Period=10,
        EvaluationPeriods=1, Threshold=3, ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching", AlarmActions=actions, OKActions=actions,
    )
    say("deployed", alias=alias["AliasArn"], version="1")


def release():
    """Version 2 goes live, all at once."""
    lambda_.update_function_code(FunctionName=name, ZipFile=code(2))
    version = lambda_.publish_version(FunctionName=name)["Version"]
    alias = lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    say("released", alias=alias["AliasArn"], version=version)


def order(number, updated):
    """One customer: True where the order was paid."""
    fields = {"order": number, "currency": "EUR"} if updated else {"order": number}
    answer = lambda_.invoke(FunctionName=f"{name}:live", Payload=json.dumps(fields))
    answer["Payload"].read()
    return "FunctionError" not in answer


def traffic(stopped, updated):
    """Customers all along, and every half second the sums of what they met."""
    number, paid, failed, published = 0, 0, 0, time.monotonic()
    while not stopped.is_set():
        number += 1
        try:
            ok = order(number, updated.is_set())
        except Exception as error:  # A customer who gets no answer has not paid.
            say("unreachable", reason=type(error).__name__)
            ok = False
        paid, failed = paid + ok, failed + (not ok)
        if time.monotonic() - published >= 0.5:
            cloudwatch.put_metric_data(
                Namespace=namespace,
                MetricData=[{"MetricName": orders_metric, "Value": paid}, {"MetricName": errors_metric, "Value": failed}],
            )
            say("served", paid=paid, failed=failed)
            paid, failed, published = 0, 0, time.monotonic()
        stopped.wait(float(pause))


def forward(event):
    """An original event, forwarded to the bus as another Region's or account's rule would."""
    entry = {"Source": "tourniquet.forwarded", "DetailType": event["detail-type"], "Detail": json.dumps(event)}
    answer = events.put_events(Entries=[entry])
    say("forwarded", failed=answer["FailedEntryCount"])


def await_alarm(state):
    """Waits until the alarm is in a state."""
    while True:
        alarm = cloudwatch.describe_alarms(AlarmNames=[f"{name}-errors"])["MetricAlarms"][0]
        if alarm["StateValue"] == state:
            since = alarm["StateUpdatedTimestamp"].astimezone(datetime.timezone.utc)
            return say("alarm", state=state, since=since.strftime("%Y-%m-%dT%H:%M:%SZ"))
        time.sleep(0.25)


def main():
    stopped, updated = threading.Event(), threading.Event()
    customers = threading.Thread(target=traffic, args=(stopped, updated), daemon=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            if command == "deploy":
                deploy()
            elif command == "customers":
                customers.start()
            elif command == "release":
                release()
            elif command == "update-shops":
                updated.set()
                say("shops-updated")
            elif command == "forward":
                forward(json.loads(argument))
            elif command == "alarm":
                await_alarm(argument)
            elif command == "alias":
                alias = lambda_.get_alias(FunctionName=name, Name="live")
                say("alias", version=alias["FunctionVersion"], revision=alias["RevisionId"])
            else:
                break
        except Exception as error:
            say("failed", command=command, reason=f"{type(error).__name__}: {error}")
    stopped.set()
    if customers.is_alive():
        customers.join(5)


main()
