# Runs the emulator until its owner ends: its standard input is a pipe that closes with the owner, however that ends,
# and the whole process group goes with it, the functions' processes included.
import errno
import functools
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
import time


def end_with_the_owner():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


threading.Thread(target=end_with_the_owner, daemon=True).start()


class Popen(subprocess.Popen):
    """Starts a program also while another thread unpacks it: a process that was forked at that moment holds the file
    open for writing until it runs its own program, and the kernel says "text file busy" for these milliseconds."""

    def __init__(self, *args, **kwargs):
        for _ in range(100):
            try:
                return super().__init__(*args, **kwargs)
            except OSError as error:
                if error.errno != errno.ETXTBSY:
                    raise
                time.sleep(0.02)
        super().__init__(*args, **kwargs)


subprocess.Popen = Popen

from ministack import app
from ministack.services import eventbridge, lambda_svc, sns, sqs

named = app._ct_event_name


def event_name(service, method, path, headers, query_params):
    """What CloudTrail calls a call: the emulator takes each one of an alias for ListAliases, which only reads."""
    if service == "lambda" and "/aliases/" in path and method in ("PUT", "DELETE"):
        return ("UpdateAlias" if method == "PUT" else "DeleteAlias") + "20150331"
    return named(service, method, path, headers, query_params)


app._ct_event_name = event_name

# Mappings poll queues in threads of their own and write a queue's list of messages anew, under a lock that nobody else
# takes: what was put into the queue at that moment was lost. All that changes such a list takes it now.
sqs._queues_lock = threading.RLock()


def alone(function):
    @functools.wraps(function)
    def locked(*args, **kwargs):
        with sqs._queues_lock:
            return function(*args, **kwargs)

    return locked


for action, handler in sqs._HANDLERS.items():
    if not inspect.iscoroutinefunction(handler):
        sqs._HANDLERS[action] = alone(handler)
for module, name in [
    (sqs, "_expire_retained"),
    (sqs, "_dlq_sweep"),
    (sqs, "_collect_msgs"),
    (eventbridge, "_dispatch_to_sqs"),
    (sns, "_deliver_to_sqs"),
    (lambda_svc, "_route_async_failure"),
]:
    setattr(module, name, alone(getattr(module, name)))

retried = lambda_svc.invoke_async_with_retry


def invoke_asynchronously(function, event):
    """Retries, and hands what failed to its destination, as the alias that was invoked is configured: the emulator keeps
    that configuration, and looks for one of the function without an alias instead."""
    name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(function["config"]["FunctionArn"])
    of_each = lambda_svc._functions.get(name, {}).get("event_invoke_configs", {})
    retried({**function, "event_invoke_config": of_each.get(qualifier or "")}, event)


def invoke_target(arn, event):
    """Rules, schedules and topics invoke asynchronously, where the emulator calls once and forgets what failed."""
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if function is None:
        print(f"there is no function {name} to be invoked", file=sys.stderr)
        return
    invoke_asynchronously({**function, "config": {**config, "FunctionArn": arn}}, event)


def notify_function(arn, message, topic, subscription, *_):
    record = {"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": subscription}
    invoke_target(arn, {"Records": [{**record, "Sns": json.loads(message)}]})


lambda_svc.invoke_async_with_retry = invoke_asynchronously
eventbridge._dispatch_to_lambda = lambda arn, payload: invoke_target(arn, json.loads(payload))
sns._deliver_to_lambda = notify_function
