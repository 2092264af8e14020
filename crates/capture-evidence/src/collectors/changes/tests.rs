use aws_smithy_http_client::test_util::StaticReplayClient;
use serde_json::{Value, json};

use super::*;
use crate::bucket::Bucket;
use crate::collectors::tests::desk;
use crate::collectors::{Collected, Limits};
use crate::samples::{Answer, at, canned_all, config};

const KEPT: Answer<'static> = (200, &[("x-amz-version-id", "v1")], "");
const MISSING: Answer<'static> = (404, &[], "<Error><Code>NoSuchKey</Code></Error>");

/// An event of the sample's day, as CloudTrail gives it.
fn write(id: &str, time: &str, name: &str, details: &Value) -> Value {
    json!({
        "EventId": id, "EventName": name, "ReadOnly": "false", "EventTime": at(time).as_second(), "Username": "dana",
        "EventSource": "lambda.amazonaws.com", "CloudTrailEvent": details.to_string(),
        "Resources": [{"ResourceType": "AWS::Lambda::Function", "ResourceName": "checkout"}],
    })
}

fn page(events: &[Value], token: Option<&str>) -> (u16, String) {
    (200, json!({"Events": events, "NextToken": token}).to_string())
}

fn refusal(code: &str) -> (u16, String) {
    (400, json!({"__type": code}).to_string())
}

/// Collects from canned pages, with one resource to look for; what was asked, and what was kept, comes back.
async fn changes(
    pages: &[(u16, String)],
    put: Answer<'_>,
    bound: impl Fn(&mut Bounds),
) -> (Collected, StaticReplayClient, StaticReplayClient) {
    let pages: Vec<Answer<'_>> = pages.iter().map(|(status, body)| (*status, &[][..], body.as_str())).collect();
    let (source, target) = (canned_all(&pages), canned_all(&[put]));
    let bucket = Bucket::new(&config(&target), "evidence");
    let mut bounds = Bounds { pause: Duration::ZERO, ..Bounds::default() };
    bound(&mut bounds);
    let mut desk = desk(&bucket, Ok(config(&source)));
    desk.limits =
        Limits { deadline: tokio::time::Instant::now() + Duration::from_secs(60), lookups: bounds, ..desk.limits };
    let collected = desk.collect(&[Box::new(Changes(vec!["checkout".to_owned()]))]).await.unwrap();
    (collected, source, target)
}

fn bodies(http: &StaticReplayClient) -> Vec<Value> {
    let body = |r: &aws_smithy_runtime_api::client::orchestrator::HttpRequest| {
        serde_json::from_slice(r.body().bytes().unwrap_or_default()).unwrap()
    };
    http.actual_requests().map(body).collect()
}

fn as_it_is(_: &mut Bounds) {}

/// The gaps of CloudTrail's delay are in every bag of an open window.
fn other_gaps(collected: &Collected) -> Vec<(&str, &str)> {
    let gaps = collected.gaps.iter().filter(|gap| !gap.what.starts_with("changes since"));
    gaps.map(|gap| (gap.what.as_str(), gap.reason.as_str())).collect()
}

#[tokio::test]
async fn the_resource_and_every_write_are_looked_up_page_by_page_into_one_file() {
    let update = write("e2", "14:01:00", "UpdateAlias20150331", &json!({"requestParameters": {"name": "live"}}));
    let earlier = write("e1", "13:40:00", "PublishVersion20150331", &json!({}));
    let pages = [page(std::slice::from_ref(&update), Some("t1")), page(&[earlier], None), page(&[update], None)];
    let (collected, source, target) = changes(&pages, KEPT, as_it_is).await;

    let asked = |key: &str, value: &str, token: Option<&str>| {
        let mut request = json!({
            "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}],
            "StartTime": at("13:32:11").as_second(), "EndTime": at("14:02:20").as_second(),
        });
        if let Some(token) = token {
            request["NextToken"] = token.into();
        }
        request
    };
    let expected = [
        asked("ResourceName", "checkout", None),
        asked("ResourceName", "checkout", Some("t1")),
        asked("ReadOnly", "false", None),
    ];
    assert_eq!(bodies(&source), expected);

    let [file] = &collected.files[..] else { panic!("{collected:?}") };
    assert_eq!(file.path, "data/changes/cloudtrail.json");
    assert_eq!(file.query, "LookupEvents LookupAttributes=ResourceName=checkout and LookupAttributes=ReadOnly=false");
    let kept = &bodies(&target)[0]["Lookups"];
    let ids = |n: usize| kept[n]["Events"].as_array().unwrap().iter().map(|e| e["EventId"].clone()).collect::<Vec<_>>();
    assert_eq!((ids(0), ids(1)), (vec![json!("e2"), json!("e1")], vec![json!("e2")]));
    assert_eq!(kept[0]["LookupAttributes"], json!([{"AttributeKey": "ResourceName", "AttributeValue": "checkout"}]));
    assert_eq!((&kept[0]["Region"], &kept[0]["Truncated"]), (&json!("eu-west-1"), &json!(false)));
    let event = &kept[0]["Events"][0];
    assert_eq!(event["EventTime"], json!("2026-11-23T14:01:00Z"));
    assert_eq!(event["Username"], json!("dana"));
    assert_eq!(event["CloudTrailEvent"], json!(r#"{"requestParameters":{"name":"live"}}"#));
    assert_eq!(event["Resources"][0]["ResourceName"], json!("checkout"));

    let what = "changed before the first signal: UpdateAlias20150331 on checkout by dana, as CloudTrail has it";
    assert_eq!(collected.writes, [Write { at: at("14:01:00"), event_id: "e2".to_owned(), what: what.to_owned() }]);
    assert_eq!(other_gaps(&collected), []);
}

#[tokio::test]
async fn what_was_refused_is_later_or_only_reads_is_not_the_last_change() {
    let mut read = write("e4", "14:02:00", "GetAlias20150331", &json!({}));
    read["ReadOnly"] = json!("true");
    let named = [
        write("e5", "14:02:12", "UpdateAlias20150331", &json!({})),
        read,
        write("e3", "14:01:00", "UpdateAlias20150331", &json!({"errorCode": "AccessDenied"})),
        write("e2", "13:59:00", "UpdateAlias20150331", &json!({"errorCode": null})),
        write("e1", "13:58:00", "UpdateAlias20150331", &json!({})),
    ];
    let (collected, ..) = changes(&[page(&named, None), page(&[], None)], KEPT, as_it_is).await;
    assert_eq!(collected.writes.iter().map(|w| w.event_id.as_str()).collect::<Vec<_>>(), ["e2"]);

    // What is not of the resource is in the bag, and nobody is named for it.
    let other = [write("e1", "13:58:00", "PutRolePolicy", &json!({}))];
    let (collected, ..) = changes(&[page(&[], None), page(&other, None)], KEPT, as_it_is).await;
    assert_eq!(collected.writes, []);
}

#[tokio::test]
async fn what_goes_beyond_a_bound_or_fails_is_a_gap_and_the_rest_is_kept() {
    let one =
        |id: &str, time: &str| write(id, time, "UpdateAlias20150331", &json!({"padding": "x".repeat(600 * 1024)}));
    let endless =
        [page(&[one("e2", "14:01:00")], Some("t1")), page(&[one("e1", "14:00:00")], Some("t2")), page(&[], None)];
    let (collected, source, target) = changes(&endless, KEPT, |bounds| bounds.pages = 2).await;
    let reason = "no more than 2 pages of 50 events are kept of one lookup.";
    assert_eq!(other_gaps(&collected), [("changes of checkout, before 2026-11-23T14:00:00Z", reason)]);
    assert_eq!(bodies(&target)[0]["Lookups"][0]["Truncated"], json!(true));
    assert_eq!(source.actual_requests().count(), 3);

    let (collected, _, target) = changes(&endless, KEPT, |bounds| bounds.bytes = 1024 * 1024).await;
    let reason = "no more than 1 MiB are kept of all changes.";
    assert_eq!(other_gaps(&collected), [("changes of checkout, before 2026-11-23T14:01:00Z", reason)]);
    assert_eq!(bodies(&target)[0]["Lookups"][0]["Events"].as_array().unwrap().len(), 1);

    let half = [page(&[one("e1", "14:01:00")], None), refusal("ThrottlingException")];
    let (collected, ..) = changes(&half, KEPT, as_it_is).await;
    let reason = "the source was asked too often by everyone in the account, and went on saying so.";
    assert_eq!((other_gaps(&collected), collected.files.len()), (vec![("changes in the account", reason)], 1));
}

#[tokio::test]
async fn without_any_event_a_refusal_is_the_only_gap_and_nothing_changed_is_none() {
    let denied = [refusal("AccessDeniedException"), refusal("AccessDeniedException")];
    let (collected, ..) = changes(&denied, MISSING, as_it_is).await;
    let reason = "access was denied; allow the role tourniquet-read-evidence to read it.";
    assert_eq!(other_gaps(&collected), [("changes, from CloudTrail", reason)]);
    assert_eq!((collected.files.len(), collected.gaps.len()), (0, 1));

    let (collected, ..) = changes(&[page(&[], None), page(&[], None)], KEPT, as_it_is).await;
    assert_eq!((collected.files.len(), other_gaps(&collected)), (1, vec![]));
}

#[test]
fn what_cloudtrail_may_not_have_yet_is_a_gap() {
    #[track_caller]
    fn check(asked: &str, what: Option<&str>) {
        let http = canned_all(&[]);
        let bucket = Bucket::new(&config(&http), "evidence");
        let gap = lagging(&desk(&bucket, Err(String::new())), at(asked));
        assert_eq!(gap.map(|gap| gap.what), what.map(|at| format!("changes since 2026-11-23T{at}Z")));
    }
    // The window goes from 13:32:11 to 14:02:20.
    check("14:02:20", Some("13:47:20"));
    check("13:40:00", Some("13:32:11"));
    check("14:17:19", Some("14:02:19"));
    check("14:17:20", None);
}

#[test]
fn names_in_the_timeline_have_the_characters_of_names() {
    assert_eq!(
        word("arn:aws:sts::1:assumed-role/Deploy/dana@example.com"),
        "arn:aws:sts::1:assumed-role/Deploy/dana@example.com"
    );
    assert_eq!(word("dana\n<!channel> *now*"), "danachannelnow");
    assert_eq!(word(&"x".repeat(100)).len(), 80);
}
