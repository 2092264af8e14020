"""The hands of `cargo xtask faults` and `bench` on the local stack: it delivers, and reads what there is at the end.

Started with the Python of target/tools. Requests come as JSON lines on standard input, each is answered by one JSON line
on standard output that has its id, in whatever order they are done.
"""

import concurrent.futures
import io
import json
import os
import sys
import threading
import time
import zipfile

import botocore.config
import botocore.session

session = botocore.session.get_session()
# An invocation is awaited to its end and made once: what fails is delivered again by whoever asked.
config = botocore.config.Config(max_pool_connections=32, read_timeout=120, retries={"total_max_attempts": 1})


def client(service):
    return session.create_client(service, region_name=os.environ["AWS_REGION"], config=config)


lambda_, sqs, dynamodb, states, cloudwatch, iam, logs = (
    client(service) for service in ("lambda", "sqs", "dynamodb", "stepfunctions", "cloudwatch", "iam", "logs")
)
lock = threading.Lock()


def invoke(function, payload):
    answer = lambda_.invoke(FunctionName=function, Payload=json.dumps(payload))
    body = answer["Payload"].read()
    return {"failed": "FunctionError" in answer, "body": json.loads(body or b"null")}


def send(queue, body):
    sqs.send_message(QueueUrl=queue, MessageBody=body)


def send_copies(queue, bodies, copies):
    """So many messages in all, one body after the other, as fast as the queue takes them."""

    def batch(first):
        numbers = range(first, min(first + 10, copies))
        entries = [{"Id": str(n), "MessageBody": bodies[n % len(bodies)]} for n in numbers]
        failed = sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed")
        if failed:
            raise RuntimeError(f"the queue refused messages: {failed}")

    with concurrent.futures.ThreadPoolExecutor(8) as senders:
        list(senders.map(batch, range(0, copies, 10)))


def visibility(queue, seconds):
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(seconds)})


def depth(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes.get(name, 0)) for name in names)


def letters(queue):
    """What lies in a queue; it is left there, and hidden for a moment only."""
    bodies = {}
    while True:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=2).get("Messages", [])
        new = [message for message in messages if message["MessageId"] not in bodies]
        bodies.update((message["MessageId"], message["Body"]) for message in new)
        if not new:
            return list(bodies.values())


def scan(table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def items(table, pk):
    """All items with a partition key."""
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}}}
    pages = dynamodb.get_paginator("query").paginate(TableName=table, ConsistentRead=True, **asked)
    return [item for page in pages for item in page["Items"]]


def put(table, pk, name, value):
    """Sets one attribute of an item, as nobody but an administrator may."""
    asked = {"ExpressionAttributeNames": {"#name": name}, "ExpressionAttributeValues": {":value": value}}
    key = {"pk": {"S": pk}, "sk": {"S": "META"}}
    dynamodb.update_item(TableName=table, Key=key, UpdateExpression="SET #name = :value", **asked)


def start(machine, name, input):
    states.start_execution(stateMachineArn=machine, name=name, input=input)


def stop(machine, name):
    states.stop_execution(executionArn=execution_arn(machine, name), error="Stopped", cause="on purpose")


def execution(machine, name):
    """How an execution is; null where there is none."""
    try:
        return states.describe_execution(executionArn=execution_arn(machine, name))["status"]
    except states.exceptions.ExecutionDoesNotExist:
        return None


def execution_arn(machine, name):
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def executions(machine):
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    return [{"name": e["name"], "status": e["status"]} for page in pages for e in page["executions"]]


def service(name):
    """A function with a good version 1 and a bad version 2, which is live, and the alarm about it."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    made = {"FunctionName": name, "Runtime": "python3.12", "Handler": "service.handler", "Role": role, "Publish": True}
    lambda_.create_function(**made, Code={"ZipFile": code(1)})
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    lambda_.update_function_code(FunctionName=name, ZipFile=code(2))
    version = lambda_.publish_version(FunctionName=name)["Version"]
    alias = lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-0", Namespace="Faults", MetricName=name, Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="ignore",
    )
    return {"alias": alias["AliasArn"], "version": version}


def code(version):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("service.py", f"def handler(event, context):\n    return {version}\n")
    return archive.getvalue()


def alarm(name, state):
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="the history says so")


def metrics(namespace, values):
    data = [{"MetricName": name, "Value": value} for name, value in values.items()]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def log(group, message):
    """A log group with one line in it."""
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    line = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[line])


def alias(name):
    return lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"]


VERBS = {
    verb.__name__: verb
    for verb in (
        invoke, send, send_copies, visibility, depth, letters, scan, items, put, start, stop, execution, executions, service, alarm,
        metrics, log, alias,
    )
}


def answer(line):
    request = json.loads(line)
    try:
        said = {"done": VERBS[request["do"]](**request["with"])}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    with lock:
        print(json.dumps({"id": request["id"], **said}), flush=True)


with concurrent.futures.ThreadPoolExecutor(32) as pool:
    for line in sys.stdin:
        pool.submit(answer, line)
