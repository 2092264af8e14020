
# From here on for `cargo xtask cost` alone: what a bill would count is written to the file COUNT_INTO, a JSON line each.
from ministack.services import dynamodb, sqs

counted = open(os.environ["COUNT_INTO"], "a", buffering=1)
writing = threading.Lock()
asked = threading.local()

OF_DYNAMODB = {
    "_get_item": "GetItem",
    "_query": "Query",
    "_put_item": "PutItem",
    "_update_item": "UpdateItem",
    "_delete_item": "DeleteItem",
    "_transact_get_items": "TransactGetItems",
    "_transact_write_items": "TransactWriteItems",
    "_batch_get_item": "BatchGetItem",
    "_batch_write_item": "BatchWriteItem",
    "_scan": "Scan",
}


def count(**what):
    with writing:
        counted.write(json.dumps(what) + "\n")


handled = dynamodb.handle_request


async def handle_request(method, path, headers, body, query_params):
    """Whose call it is: the proxy names the function, a program has its own user agent, and a state machine is the emulator
    itself."""
    asked.by = headers.get("x-counted-by") or ("people" if "user-agent" in headers else "state machines")
    try:
        return await handled(method, path, headers, body, query_params)
    finally:
        asked.by = None


def read_units(data, answer):
    """What was read, in steps of 4 KiB: half a unit each, a whole one for consistent reads, two in a transaction. The
    emulator counts one step whatever the size, so the sizes of what it answers are taken."""
    if "Responses" in answer:
        sizes = [dynamodb._item_size_bytes(one.get("Item") or {}) for one in answer["Responses"]]
        return sum(2.0 * max(1, -(-size // 4096)) for size in sizes)
    items = answer.get("Items") or [answer.get("Item") or {}]
    size = sum(dynamodb._item_size_bytes(item) for item in items)
    return (1.0 if data.get("ConsistentRead") else 0.5) * max(1, -(-size // 4096))


def units(operation, data, status, answer):
    """Read and write units of a call. One whose condition does not hold has written nothing, and is billed as if."""
    if operation in ("GetItem", "Query", "TransactGetItems"):
        return read_units(data, answer) if status == 200 else 0.0, 0.0
    if status == 200:
        consumed = answer["ConsumedCapacity"]
        consumed = consumed if isinstance(consumed, list) else [consumed]
        return 0.0, sum(one["CapacityUnits"] for one in consumed)
    return 0.0, 2.0 * len(data["TransactItems"]) if "TransactItems" in data else 1.0


def counting(operation, make):
    def call(data):
        answer = make({**data, "ReturnConsumedCapacity": "INDEXES"})
        read, written = units(operation, data, answer[0], json.loads(answer[2]))
        by = getattr(asked, "by", None) or "state machines"
        count(kind="units", by=by, operation=operation, read=read, write=written)
        return answer

    return call


dynamodb.handle_request = handle_request
for name, operation in OF_DYNAMODB.items():
    setattr(dynamodb, name, counting(operation, getattr(dynamodb, name)))

logged = lambda_svc._emit_lambda_logs


def invoked(function, request_id, log, error, milliseconds, **more):
    """An invocation, and what CloudWatch Logs takes of it: its lines, three of Lambda's own of about 80 bytes, and 26 bytes
    with each line."""
    config = function.get("config") or function
    lines = log.splitlines() if log else []
    size = sum(len(line.encode()) + 26 for line in lines) + 3 * (80 + 26)
    memory = config.get("MemorySize", 128)
    count(kind="invocation", by=config["FunctionName"], milliseconds=milliseconds, memory=memory, log=size)
    return logged(function, request_id, log, error, milliseconds, **more)


lambda_svc._emit_lambda_logs = invoked


def requested(operation, make):
    def call(data, url):
        count(kind="request", operation=operation, queue=url.rsplit("/", 1)[-1])
        return make(data, url)

    return call


sqs._HANDLERS["SendMessage"] = requested("SendMessage", sqs._act_send_message)
deleted = sqs._delete_messages_for_esm


def delete_messages(url, handles):
    if handles:
        count(kind="request", operation="DeleteMessageBatch", queue=url.rsplit("/", 1)[-1])
    return deleted(url, handles)


sqs._delete_messages_for_esm = delete_messages
