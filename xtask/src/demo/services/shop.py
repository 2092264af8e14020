"""What the simulated services of the demo and of the black-box tests share: functions on Lambda, an alarm, customers and
the metrics of what they met, and commands.

A service is started by `cargo xtask` with the Python of target/tools. Commands come as lines on standard input, what
happened goes as JSON lines to standard output.
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

NAMESPACE = "Checkout"

session = botocore.session.get_session()
lock = threading.Lock()


def client(service):
    return session.create_client(service, region_name=os.environ["AWS_REGION"])


cloudwatch, events, iam, lambda_ = (client(service) for service in ("cloudwatch", "events", "iam", "lambda"))


def say(what, **fields):
    with lock:
        print(json.dumps({"what": what, **fields}), flush=True)


def code(source):
    """A package with one module, `service`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("service.py", source)
    return archive.getvalue()


def function(name, source, *actions, **options):
    """A function that may write its log and do these actions."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allowed = {"Statement": [{"Effect": "Allow", "Action": ["logs:*", *actions], "Resource": "*"}]}
    iam.put_role_policy(RoleName=f"{name}-role", PolicyName="work", PolicyDocument=json.dumps(allowed))
    lambda_.create_function(
        FunctionName=name, Runtime="python3.12", Handler="service.handler", Role=role, Code={"ZipFile": code(source)}, **options
    )


def alarm(name, metric, topic):
    """An alarm on three errors within ten seconds; without a topic it tells nobody."""
    actions = [topic] if topic else []
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace=NAMESPACE, MetricName=metric, Statistic="Sum", Period=10, EvaluationPeriods=1, Threshold=3,
        ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching", AlarmActions=actions,
        OKActions=actions,
    )


def await_alarm(name, state):
    """Waits until the alarm is in a state."""
    while True:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        if found["StateValue"] == state:
            since = found["StateUpdatedTimestamp"].astimezone(datetime.timezone.utc)
            return say("alarm", state=state, since=since.strftime("%Y-%m-%dT%H:%M:%SZ"))
        time.sleep(0.25)


def forward(event):
    """An original event, forwarded to the bus as another Region's or account's rule would."""
    entry = {"Source": "tourniquet.forwarded", "DetailType": event["detail-type"], "Detail": json.dumps(event)}
    answer = events.put_events(Entries=[entry])
    say("forwarded", failed=answer["FailedEntryCount"])


class Customers(threading.Thread):
    """Customers all along, and every half second the sums of what they met. `order` says whether one of them has paid."""

    def __init__(self, order, errors, orders, pause):
        super().__init__(daemon=True)
        self.order, self.errors, self.orders, self.pause = order, errors, orders, pause
        self.gone = threading.Event()

    def run(self):
        number, paid, failed, published = 0, 0, 0, time.monotonic()
        while not self.gone.is_set():
            number += 1
            ok = self.has_paid(number)
            paid, failed = paid + ok, failed + (not ok)
            if time.monotonic() - published >= 0.5:
                self.publish(paid, failed)
                paid, failed, published = 0, 0, time.monotonic()
            self.gone.wait(self.pause)

    def has_paid(self, number):
        try:
            return self.order(number)
        except Exception as error:  # A customer who gets no answer has not paid.
            say("unreachable", reason=type(error).__name__)
            return False

    def publish(self, paid, failed):
        values = [{"MetricName": self.orders, "Value": paid}, {"MetricName": self.errors, "Value": failed}]
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=values)
        say("served", paid=paid, failed=failed)


def serve(commands, customers):
    """Does what is asked for, each command with what follows its word, until there is no more."""
    commands = {**commands, "customers": lambda _: customers.start(), "forward": lambda event: forward(json.loads(event))}
    for line in sys.stdin:
        word, _, argument = line.strip().partition(" ")
        if word not in commands:
            break
        try:
            commands[word](argument)
        except Exception as error:
            say("failed", command=word, reason=f"{type(error).__name__}: {error}")
    customers.gone.set()
    if customers.is_alive():
        customers.join(5)
