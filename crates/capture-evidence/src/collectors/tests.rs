use aws_smithy_http_client::test_util::StaticReplayClient;
use evidence_bundle::{Window, data_path};
use serde_json::{Value, json};

use super::*;
use crate::bucket::Bucket;
use crate::samples::{Answer, at, canned_all, config, incident};
use crate::wanted::wanted;
use evidence_bundle::Pass;

const PREFIX: &str = "v1/incidents/i/1/1-warm/";
const MISSING: Answer<'static> = (404, &[], "<Error><Code>NoSuchKey</Code></Error>");
const KEPT: Answer<'static> = (200, &[("x-amz-version-id", "v1")], "");

/// Collects one log group from canned pages into a canned bucket; what was asked of each comes back.
async fn logs(
    pages: &[(u16, String)],
    put: &[Answer<'_>],
    limits: impl Fn(&mut Limits),
) -> (Collected, StaticReplayClient, StaticReplayClient) {
    let (collected, source, target) = attempt(pages, put, limits).await;
    (collected.unwrap(), source, target)
}

/// As [`logs`], where the pass may have to be tried again.
async fn attempt(
    pages: &[(u16, String)],
    put: &[Answer<'_>],
    limits: impl Fn(&mut Limits),
) -> (Result<Collected, StepError>, StaticReplayClient, StaticReplayClient) {
    let pages: Vec<Answer<'_>> = pages.iter().map(|(status, body)| (*status, &[][..], body.as_str())).collect();
    let source = canned_all(&pages);
    let target = canned_all(put);
    let bucket = Bucket::new(&config(&target), "evidence");
    let mut bounds = Limits { deadline: Instant::now() + Duration::from_secs(60), ..Limits::default() };
    limits(&mut bounds);
    let desk = Desk { limits: bounds, ..desk(&bucket, Ok(config(&source))) };
    let collected = desk.collect(&[Box::new(logs::LogGroup("/aws/lambda/checkout".into()))]).await;
    (collected, source, target)
}

pub(super) fn desk(bucket: &Bucket, sources: Result<SdkConfig, String>) -> Desk<'_> {
    Desk {
        bucket,
        prefix: PREFIX,
        window: Window { from: at("13:32:11"), to: at("14:02:20") },
        limits: Limits::default(),
        sources,
        partition: "aws",
        account: "111122223333",
        region: "eu-west-1",
        signal_at: at("14:02:11"),
    }
}

fn page(millis: i64, message: &str, token: Option<&str>) -> (u16, String) {
    let event = json!({"timestamp": millis, "ingestionTime": millis + 1, "logStreamName": "s", "message": message});
    (200, json!({"events": [event], "nextToken": token}).to_string())
}

fn bodies(http: &StaticReplayClient) -> Vec<String> {
    http.actual_requests().map(|r| String::from_utf8_lossy(r.body().bytes().unwrap()).into_owned()).collect()
}

fn no_limits(_: &mut Limits) {}

#[tokio::test]
async fn a_log_group_is_one_file_of_all_its_pages() {
    let pages = [page(1_795_442_531_000, "first\nline", Some("t1")), page(1_795_442_532_000, "second", None)];
    let (collected, source, target) = logs(&pages, &[KEPT], no_limits).await;
    let lines = concat!(
        r#"{"timestamp":"2026-11-23T14:02:11Z","ingestion":"2026-11-23T14:02:11.001Z","stream":"s","message":"first\nline"}"#,
        "\n",
        r#"{"timestamp":"2026-11-23T14:02:12Z","ingestion":"2026-11-23T14:02:12.001Z","stream":"s","message":"second"}"#,
        "\n",
    );
    assert_eq!(bodies(&target), [lines]);
    let asked = |token: Option<&str>| {
        let mut request = json!({
            "logGroupName": "/aws/lambda/checkout", "startTime": 1_795_440_731_000_i64, "endTime": 1_795_442_540_000_i64,
        });
        if let Some(token) = token {
            request["nextToken"] = token.into();
        }
        request
    };
    let requests: Vec<Value> = bodies(&source).iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(requests, [asked(None), asked(Some("t1"))]);

    assert_eq!(collected.gaps, []);
    let [file] = &collected.files[..] else { panic!("{collected:?}") };
    assert_eq!(file.path, "data/logs/aws/lambda/checkout.ndjson");
    assert_eq!(file.query, "FilterLogEvents logGroupName=/aws/lambda/checkout");
    assert_eq!(file.source_arn.as_deref(), Some("arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/checkout"));
    assert_eq!((file.bytes, file.version_id.as_deref()), (lines.len() as u64, Some("v1")));
    assert_eq!(file.sha256, evidence_bundle::sha256_hex(lines.as_bytes()));
    assert_eq!(file.window, Some(Window { from: at("13:32:11"), to: at("14:02:20") }));
}

#[tokio::test]
async fn nothing_logged_is_an_empty_file_and_no_gap() {
    let (collected, _, target) = logs(&[(200, "{}".into())], &[KEPT], no_limits).await;
    assert_eq!((collected.files[0].bytes, collected.gaps.len()), (0, 0));
    assert_eq!(bodies(&target), [""]);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_gap_with_a_plain_reason() {
    for (status, code, reason) in [
        (400, "ResourceNotFoundException", "it does not exist."),
        (400, "AccessDeniedException", "access was denied; allow the role tourniquet-read-evidence to read it."),
        (
            400,
            "ThrottlingException",
            "the source was asked too often by everyone in the account, and went on saying so.",
        ),
        (500, "InternalFailure", "the source answered InternalFailure."),
    ] {
        let error = (status, json!({"__type": code, "message": "user 42 may not"}).to_string());
        let (collected, _, target) = logs(&[error], &[MISSING], no_limits).await;
        let gap =
            Gap { collector: "logs".into(), what: "log group /aws/lambda/checkout".into(), reason: reason.into() };
        assert_eq!(collected, Collected { gaps: vec![gap], ..Collected::default() });
        assert_eq!(target.actual_requests().map(|request| request.method()).collect::<Vec<_>>(), ["GET"]);
    }
}

#[tokio::test]
async fn what_was_read_before_a_failure_or_a_bound_is_kept() {
    let first = page(1_795_442_531_000, "first", Some("t1"));
    let denied = (400, json!({"__type": "AccessDeniedException"}).to_string());
    let (collected, ..) = logs(&[first.clone(), denied], &[KEPT], no_limits).await;
    assert_eq!(collected.files.len(), 1);
    assert_eq!(collected.gaps[0].what, "log group /aws/lambda/checkout, from 2026-11-23T14:02:11Z on");
    assert_eq!(collected.gaps[0].reason, "access was denied; allow the role tourniquet-read-evidence to read it.");

    let second = page(1_795_442_532_000, &"x".repeat(2 * 1024 * 1024), Some("t2"));
    let (collected, source, target) =
        logs(&[first, second], &[KEPT], |limits| limits.log_group_bytes = 1024 * 1024).await;
    assert_eq!(collected.gaps[0].reason, "no more than 1 MiB are kept of one log group.");
    assert!(collected.files[0].bytes < 200 && bodies(&target)[0].contains("first"));
    assert_eq!(source.actual_requests().count(), 2);
}

#[tokio::test]
async fn after_the_deadline_everything_is_a_gap() {
    let (collected, source, _) = logs(&[], &[MISSING], |limits| limits.deadline = Instant::now()).await;
    assert_eq!(collected.gaps[0].reason, "the time for this pass was over before the source answered.");
    assert_eq!(source.actual_requests().count(), 0);
}

#[tokio::test]
async fn a_file_of_an_earlier_run_is_described_and_what_it_may_lack_is_a_gap() {
    let earlier: &[(&str, &str)] = &[("x-amz-version-id", "v0"), ("x-amz-meta-collected-at", "2026-11-23T14:02:15Z")];
    let taken: Answer<'_> = (412, &[], "<Error><Code>PreconditionFailed</Code></Error>");
    let pages = [page(1_795_442_531_000, "first", None)];
    let (collected, ..) = logs(&pages, &[taken, (200, earlier, "less")], no_limits).await;
    let file = &collected.files[0];
    assert_eq!((file.version_id.as_deref(), file.bytes, file.collected_at), (Some("v0"), 4, at("14:02:15")));
    assert_eq!(collected.gaps[0].what, "log group /aws/lambda/checkout, beyond what was kept at 2026-11-23T14:02:15Z");
}

#[tokio::test]
async fn what_an_earlier_run_kept_is_in_the_bag_though_the_source_fails_now() {
    let earlier: &[(&str, &str)] = &[("x-amz-version-id", "v0"), ("x-amz-meta-collected-at", "2026-11-23T14:02:15Z")];
    let denied = (400, json!({"__type": "AccessDeniedException"}).to_string());
    let (collected, _, target) = logs(&[denied], &[(200, earlier, "first\n")], no_limits).await;
    let [file] = &collected.files[..] else { panic!("{collected:?}") };
    assert_eq!(file.path, "data/logs/aws/lambda/checkout.ndjson");
    assert_eq!((file.version_id.as_deref(), file.bytes, file.collected_at), (Some("v0"), 6, at("14:02:15")));
    assert_eq!(file.sha256, evidence_bundle::sha256_hex(b"first\n"));
    assert_eq!(collected.gaps[0].what, "log group /aws/lambda/checkout, beyond what was kept at 2026-11-23T14:02:15Z");
    assert_eq!(collected.gaps[0].reason, "access was denied; allow the role tourniquet-read-evidence to read it.");
    let uri = target.actual_requests().next().unwrap().uri().to_owned();
    assert!(uri.contains("1-warm/data/logs/aws/lambda/checkout.ndjson"), "{uri}");
}

#[tokio::test]
async fn every_file_is_looked_for_where_it_would_have_been_written() {
    let all = wanted(&incident(), Pass::Warm, at("14:02:20")).collections;
    let target = canned_all(&vec![KEPT; all.len()]);
    let bucket = Bucket::new(&config(&target), "evidence");
    let collected = desk(&bucket, Err("the role is not there.".into())).collect(&all).await.unwrap();
    let mut paths: Vec<&str> = collected.files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    let mut expected = [
        data_path("alarm", "checkout: errors/definition.json"),
        data_path("alarm", "checkout: errors/history.json"),
        data_path("changes", "cloudtrail.json"),
        data_path("logs", "aws/lambda/checkout.ndjson"),
        data_path("logs", "shop/web.ndjson"),
        data_path("metrics", "alarm/checkout: errors.json"),
        data_path("metrics", "plan/Shop/Orders+Service=checkout+60s.json"),
    ];
    expected.sort_unstable();
    assert_eq!(paths, expected);
    assert_eq!(collected.gaps.len(), expected.len());
}

#[tokio::test]
async fn what_passes_in_the_bucket_is_tried_again_and_what_does_not_is_a_gap() {
    #[track_caller]
    fn check(result: &Result<Collected, StepError>, expected: Result<&str, &str>) {
        let shown = result.as_ref().map(|collected| collected.gaps[0].reason.as_str()).map_err(StepError::name);
        assert_eq!(shown, expected);
    }
    let slow: Answer<'_> = (503, &[], "<Error><Code>SlowDown</Code></Error>");
    let denied: Answer<'_> = (403, &[], "<Error><Code>AccessDenied</Code></Error>");
    let pages = [page(1_795_442_531_000, "first", None)];
    check(&attempt(&pages, &[slow], no_limits).await.0, Err("Transient"));
    let unwritten = "it was read, but could not be written to the evidence bucket.";
    check(&attempt(&pages, &[denied, MISSING], no_limits).await.0, Ok(unwritten));
    // Whether something was kept is not known.
    let gone = [(400, json!({"__type": "ResourceNotFoundException"}).to_string())];
    check(&attempt(&gone, &[slow], no_limits).await.0, Err("Transient"));
    check(&attempt(&gone, &[denied], no_limits).await.0, Err("Stuck"));
}

#[tokio::test]
async fn without_the_role_each_thing_wanted_is_a_gap_and_sts_silent_is_tried_again() {
    let incident = incident();
    let wanted = wanted(&incident, Pass::Warm, at("14:02:20"));
    let denied: Answer<'_> = (403, &[], "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
    let answers: Vec<Answer<'_>> = [denied].into_iter().chain(vec![MISSING; wanted.collections.len()]).collect();
    let ctx = Ctx::canned(&config(&canned_all(&answers)));
    let collected = collect(&ctx, &incident, PREFIX, &wanted, Limits::default()).await.unwrap();
    assert_eq!((collected.files.len(), collected.gaps.len()), (0, wanted.collections.len()));
    assert_eq!(
        collected.gaps[0].reason,
        "the role tourniquet-read-evidence of account 111122223333 could not be assumed; deploy it, or mend its trust policy."
    );
    let silent = Ctx::canned(&config(&canned_all(&[(503, &[], "")])));
    let error = collect(&silent, &incident, PREFIX, &wanted, Limits::default()).await.unwrap_err();
    assert_eq!(error.name(), "Transient");
}

#[test]
fn each_collector_has_its_own_name_and_fields_and_wants_what_they_say() {
    let mut fields = vec!["before"];
    let bucket = Bucket::new(&config(&canned_all(&[])), "evidence");
    let desk = desk(&bucket, Err("nobody may.".into()));
    for (n, kind) in KINDS.iter().enumerate() {
        let name = kind.plan.name;
        assert!(KINDS[..n].iter().all(|other| other.plan.name != name), "two collectors are called {name}");
        let drafts: Vec<Draft> = (kind.wanted)(&incident()).iter().map(|one| one.draft(&desk)).collect();
        assert!(!drafts.is_empty() && drafts.iter().all(|draft| draft.collector == name), "{name}: {drafts:?}");
        for field in kind.plan.fields {
            assert!(!field.required, "an incident of any plan is collected");
            let field = field.name;
            assert!(!fields.contains(&field), "two things are called {field} in plans");
            fields.push(field);
            let wanted = |values: &[&str]| {
                let values = values.iter().map(|value| (*value).to_owned()).collect();
                let mut incident = incident();
                incident.opened.plan.plan.evidence.wanted = [(field.to_owned(), values)].into();
                (kind.wanted)(&incident).len()
            };
            assert!(wanted(&["a", "b"]) == wanted(&[]) + 2, "{name} does not collect what {field} names");
        }
    }
}
