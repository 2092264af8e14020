//! The name of a write: what it writes and how, without what differs from one incident to the next. Two incidents that walk
//! the same way make writes of the same names, so that one which was recorded can be found again in another.

use serde_json::Value;

use super::{ROUTE, call::Call};

/// What the names of operations begin with that only read. Everything else is a write: one that nobody has thought of
/// is found, too.
const READS: [&str; 10] =
    ["Get", "List", "Describe", "Query", "Scan", "BatchGet", "TransactGet", "Filter", "Lookup", "AssumeRole"];

/// The name, where the call is a write.
pub(super) fn name(call: &Call<'_>) -> Option<String> {
    let (service, operation) = call.name.split_once(' ')?;
    if matches!(operation, "GET" | "HEAD") || READS.iter().any(|read| operation.starts_with(read)) {
        return None;
    }
    let what = match service {
        "dynamodb" => items(&json(call.body)),
        "states" => execution(&json(call.body)),
        "sns" => notification(call.body),
        "unsigned" => format!("{} {}", route(call.path), first_line(&json(call.body)["text"])),
        _ => call.path.split('?').next().unwrap_or_default().to_owned(),
    };
    Some(format!("{} {}", call.name, plain(&what)).trim_end().to_owned())
}

/// What a call of DynamoDB writes: keys, and what is done to each.
fn items(body: &Value) -> String {
    let Some(all) = body["TransactItems"].as_array() else { return item(body) };
    let each = all.iter().filter_map(|one| one.as_object()?.iter().next());
    each.map(|(how, one)| format!("{how} {}", item(one))).collect::<Vec<_>>().join(", ")
}

fn item(body: &Value) -> String {
    let item = if body["Item"].is_null() { &body["Key"] } else { &body["Item"] };
    // An answer to a person is a record in an attribute.
    let answer: Value =
        item["command"]["S"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let texts = [
        &item["pk"]["S"],
        &item["sk"]["S"],
        &item["step"]["S"],
        &item["what"]["S"],
        &answer["verb"],
        &body["UpdateExpression"],
    ];
    let texts = texts.iter().filter_map(|text| text.as_str()).filter(|text| *text != "META");
    let values = body["ExpressionAttributeValues"].as_object().into_iter().flatten();
    let words = values.filter_map(|(name, value)| Some(format!("{name}={}", word(&value["S"])?)));
    // The SDK sends them in any order, and a feature of the JSON library keeps them as they come.
    let mut words: Vec<_> = words.collect();
    words.sort();
    texts.map(str::to_owned).chain(words).collect::<Vec<_>>().join(" ")
}

/// A value that is a plain word: what a record moves to, and from.
fn word(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

/// Which execution of which state machine.
fn execution(body: &Value) -> String {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", last(&text("stateMachineArn")), text("name"))
}

/// To which topic, and with which subject.
fn notification(body: &[u8]) -> String {
    let value = |wanted: &str| {
        let found = form_urlencoded::parse(body).find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    format!("{} {}", last(&value("TopicArn")), value("Subject"))
}

/// The last part of an ARN.
fn last(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// The path behind `/_to/<address>`.
fn route(path: &str) -> &str {
    path.strip_prefix(ROUTE).and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path)
}

fn first_line(text: &Value) -> &str {
    text.as_str().and_then(|text| text.lines().next()).unwrap_or_default()
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// The text with a star for every word that is a number of two digits or more, a hash, or has such a number in it.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        plain.push_str(if differs(word) { "*" } else { word });
        plain.push_str(&part[word.len()..]);
    }
    plain
}

fn differs(word: &str) -> bool {
    let hash = word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    hash || word.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, path: &str, body: &str, expect: Option<&str>) {
        let call = Call { name: name.to_owned(), target: "", method: "POST", path, body: body.as_bytes() };
        assert_eq!(super::name(&call).as_deref(), expect);
    }

    #[test]
    fn a_write_has_the_same_name_in_every_incident() {
        for (id, ms, seq) in
            [("inc-20261123-f1a09a174e", 1_795_441_233_000_u64, "0badcafe"), ("inc-20270101-0123456789", 1, "12345678")]
        {
            let entry = format!(
                r#"{{"TableName":"t","Item":{{"pk":{{"S":"INC#{id}"}},"sk":{{"S":"T#{ms:013}#{seq}"}},"step":{{"S":"triage"}},
                    "what":{{"S":"clear since 2026-11-23T13:40:45Z: Alarm checkout-{ms:013} has recovered"}}}}}}"#
            );
            let expect =
                "dynamodb PutItem INC#inc-*-* T#*#* triage clear since *-*-*:*:*: Alarm checkout-* has recovered";
            check("dynamodb PutItem", "/", &entry, Some(expect));
            let start = format!(r#"{{"stateMachineArn":"arn:aws:states:r:1:stateMachine:Engage","name":"{id}-1-2"}}"#);
            check("states StartExecution", "/", &start, Some("states StartExecution Engage inc-*-*-1-2"));
            let object = format!("/bucket/v1/incidents/{id}/1/1-warm/data/logs/group.ndjson?x-id=PutObject");
            let expect = "s3 PUT /bucket/v1/incidents/inc-*-*/1/1-warm/data/logs/group.ndjson";
            check("s3 PUT", &object, "", Some(expect));
        }
    }

    #[test]
    fn a_transaction_names_all_that_it_writes() {
        let body = r##"{"TransactItems":[
            {"Put":{"Item":{"pk":{"S":"SIG#0123456789abcdef"},"sk":{"S":"META"}}}},
            {"Update":{"Key":{"pk":{"S":"INC#inc-20261123-f1a09a174e"},"sk":{"S":"META"}},"UpdateExpression":"SET #status = :to",
                "ExpressionAttributeValues":{":to":{"S":"open"},":at":{"S":"2026-11-23T13:40:45Z"}}}}]}"##;
        let expect = "dynamodb TransactWriteItems Put SIG#*, Update INC#inc-*-* SET #status = :to :to=open";
        check("dynamodb TransactWriteItems", "/", body, Some(expect));
        for values in [r#"":to":{"S":"open"},":from":{"S":"closed"}"#, r#"":from":{"S":"closed"},":to":{"S":"open"}"#] {
            let body = format!(r#"{{"Key":{{"pk":{{"S":"P"}}}},"ExpressionAttributeValues":{{{values}}}}}"#);
            check("dynamodb UpdateItem", "/", &body, Some("dynamodb UpdateItem P :from=closed :to=open"));
        }
        let answer = r##"{"Item":{"pk":{"S":"CMD#0123456789abcdef"},"sk":{"S":"META"},"command":{"S":"{\"verb\":\"approve\"}"}}}"##;
        check("dynamodb PutItem", "/", answer, Some("dynamodb PutItem CMD#* approve"));
    }

    #[test]
    fn channels_are_told_apart_by_what_they_say() {
        let page =
            "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Ar%3A1%3Atourniquet-pages&Subject=SEV2%20fires%3A+x&Message=long";
        check("sns Publish", "/", page, Some("sns Publish tourniquet-pages SEV2 fires: x"));
        let post = r#"{"channel":"C0","text":"SEV2: it fires\nmore"}"#;
        let expect = "unsigned POST /api/chat.postMessage SEV2: it fires";
        check("unsigned POST", "/_to/127.0.0.1:4711/api/chat.postMessage", post, Some(expect));
        check(
            "lambda PUT",
            "/2015-03-31/functions/checkout/aliases/live",
            "{}",
            Some("lambda PUT /*-*-*/functions/checkout/aliases/live"),
        );
        check("states SendTaskSuccess", "/", r#"{"taskToken":"secret","output":"{}"}"#, Some("states SendTaskSuccess"));
    }

    #[test]
    fn what_reads_is_no_write() {
        for name in [
            "dynamodb GetItem",
            "dynamodb TransactGetItems",
            "s3 GET",
            "s3 HEAD",
            "monitoring GetMetricData",
            "sts AssumeRole",
        ] {
            check(name, "/", "{}", None);
        }
        check(
            "appconfig POST",
            "/applications/a/environments/e/deployments",
            "{}",
            Some("appconfig POST /applications/a/environments/e/deployments"),
        );
    }
}
