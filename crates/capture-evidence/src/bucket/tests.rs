use aws_smithy_http_client::test_util::StaticReplayClient;

use super::upload::PART;
use super::*;
use crate::samples::{Answer, asked, at, canned, config};

const KEY: &str = "v1/incidents/i/1/1-warm/data/logs/a.ndjson";
const CREATED: &str = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>";
const TAKEN: &str = "<Error><Code>PreconditionFailed</Code><Message>It is there.</Message></Error>";
const VERSION: &[(&str, &str)] = &[("x-amz-version-id", "v7"), ("etag", "\"e\"")];
/// SHA-256 of `abc` (FIPS 180-2, B.1), in hex and as the header wants it.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_BASE64: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

fn bucket<const N: usize>(answers: [Answer<'_>; N]) -> (Bucket, StaticReplayClient) {
    let http = canned(answers);
    (Bucket::new(&config(&http), "evidence"), http)
}

fn taken() -> Taken {
    let window = Window { from: at("13:32:11"), to: at("14:02:20") };
    Taken { window: Some(window), at: at("14:02:21") }
}

#[tokio::test]
async fn a_small_file_is_one_put_with_its_checksum() {
    let (bucket, http) = bucket([(200, VERSION, "")]);
    let stored = bucket.put(KEY, b"abc".to_vec(), taken()).await.unwrap();
    let expected =
        Stored { version_id: Some("v7".into()), bytes: 3, sha256: ABC.into(), taken: taken(), differs: false };
    assert_eq!(stored, expected);
    let request = http.actual_requests().next().unwrap();
    let header = |name| request.headers().get(name);
    assert_eq!(header("if-none-match"), Some("*"));
    assert_eq!(header("x-amz-checksum-sha256"), Some(ABC_BASE64));
    assert_eq!(header("x-amz-meta-window-from"), Some("2026-11-23T13:32:11Z"));
    assert_eq!(header("x-amz-trailer"), None);
    assert_eq!(header("content-encoding"), None);
    assert_eq!(request.body().bytes(), Some(&b"abc"[..]));
    assert!(request.uri().contains("evidence.s3"), "{}", request.uri());
}

#[tokio::test]
async fn an_endpoint_of_ones_own_gets_the_bucket_in_the_path() {
    let http = canned([(200, VERSION, "")]);
    let config = config(&http).to_builder().endpoint_url("http://127.0.0.1:4566").build();
    assert!(Bucket::new(&config, "evidence").put_once("k", b"").await.is_ok());
    assert!(http.actual_requests().next().unwrap().uri().starts_with("http://127.0.0.1:4566/evidence/k"));
}

#[tokio::test]
async fn what_is_there_already_is_described_as_it_is() {
    let earlier: &[(&str, &str)] = &[
        ("x-amz-version-id", "v1"),
        ("x-amz-meta-collected-at", "2026-11-23T14:02:15Z"),
        ("x-amz-meta-window-from", "2026-11-23T13:32:11Z"),
        ("x-amz-meta-window-to", "2026-11-23T14:02:14Z"),
    ];
    for (content, differs) in [("abc", false), ("abcd", true)] {
        let (bucket, http) = bucket([(412, &[], TAKEN), (200, earlier, "abc")]);
        let stored = bucket.put(KEY, content.into(), taken()).await.unwrap();
        assert_eq!((stored.version_id.as_deref(), stored.bytes, stored.sha256.as_str()), (Some("v1"), 3, ABC));
        assert_eq!((stored.taken.at, stored.taken.window.unwrap().to), (at("14:02:15"), at("14:02:14")));
        assert_eq!(stored.differs, differs);
        let methods: Vec<_> = asked(&http, "x").into_iter().map(|(method, ..)| method).collect();
        assert_eq!(methods, ["PUT", "GET"]);
    }
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts_each_with_its_checksum() {
    let part: Answer<'_> = (200, &[("etag", "\"e\"")], "");
    let (bucket, http) = bucket([(200, &[], CREATED), part, part, (200, VERSION, COMPLETED)]);
    let mut upload = bucket.upload(KEY.into(), taken());
    let page = vec![b'x'; PART / 4 + 1];
    for _ in 0..4 {
        upload.write(&page).await.unwrap();
    }
    let stored = upload.finish().await.unwrap();
    let whole = page.repeat(4);
    assert_eq!((stored.version_id.as_deref(), stored.bytes), (Some("v7"), whole.len() as u64));
    assert_eq!(stored.sha256, evidence_bundle::sha256_hex(&whole));

    let (first, last) = whole.split_at(PART);
    let sums = asked(&http, "x-amz-checksum-sha256");
    let path = |text: &str| format!("/{KEY}?{text}");
    assert_eq!(sums[0], ("POST", path("uploads"), None));
    assert_eq!(sums[1], ("PUT", path("x-id=UploadPart&partNumber=1&uploadId=u1"), Some(checksum(first).as_str())));
    assert_eq!(sums[2], ("PUT", path("x-id=UploadPart&partNumber=2&uploadId=u1"), Some(checksum(last).as_str())));
    assert_eq!(sums[3].0, "POST");
    assert!(asked(&http, "x-amz-trailer").iter().all(|(.., trailer)| trailer.is_none()));
    assert_eq!(asked(&http, "x-amz-checksum-algorithm")[0].2, Some("SHA256"));
    assert_eq!(asked(&http, "x-amz-meta-collected-at")[0].2, Some("2026-11-23T14:02:21Z"));
    let complete = http.actual_requests().nth(3).unwrap();
    assert_eq!(complete.headers().get("if-none-match"), Some("*"));
    let body = String::from_utf8_lossy(complete.body().bytes().unwrap());
    assert!(body.contains(&format!("<ChecksumSHA256>{}</ChecksumSHA256>", checksum(last))), "{body}");
}

#[track_caller]
fn check_end(asked: &[(&str, String, Option<&str>)], ends: &[&str]) {
    let ending = asked.iter().rev().take(ends.len()).rev();
    let shown: Vec<String> = ending.map(|(method, path, _)| format!("{method} {}", path.replace(KEY, ""))).collect();
    assert_eq!(shown, ends);
}

#[tokio::test]
async fn parts_are_given_up_when_the_file_is_there_or_a_part_fails() {
    const ABORT: &str = "DELETE /?x-id=AbortMultipartUpload&uploadId=u1";
    let part: Answer<'_> = (200, &[("etag", "\"e\"")], "");
    let whole = vec![b'x'; PART + 1];

    let (there, http) =
        bucket([(200, &[], CREATED), part, part, (412, &[], TAKEN), (200, VERSION, "abc"), (204, &[], "")]);
    let mut upload = there.upload(KEY.into(), taken());
    upload.write(&whole).await.unwrap();
    let stored = upload.finish().await.unwrap();
    assert_eq!((stored.sha256.as_str(), stored.differs), (ABC, true));
    check_end(&asked(&http, "x"), &["POST /?uploadId=u1", "GET /?x-id=GetObject", ABORT]);

    let denied = "<Error><Code>AccessDenied</Code></Error>";
    let (refusing, http) = bucket([(200, &[], CREATED), (403, &[], denied), (204, &[], "")]);
    let error = refusing.upload(KEY.into(), taken()).write(&whole).await.unwrap_err();
    assert_eq!(error.name(), "Stuck");
    check_end(&asked(&http, "x"), &[ABORT]);
}

#[tokio::test]
async fn completing_again_after_a_lost_answer_finds_the_object() {
    let part: Answer<'_> = (200, &[("etag", "\"e\"")], "");
    let gone = "<Error><Code>NoSuchUpload</Code></Error>";
    let whole = "x".repeat(PART + 1);
    let (bucket, _) =
        bucket([(200, &[], CREATED), part, part, (404, &[], gone), (200, VERSION, &whole), (204, &[], "")]);
    let mut upload = bucket.upload(KEY.into(), taken());
    upload.write(whole.as_bytes()).await.unwrap();
    let stored = upload.finish().await.unwrap();
    assert_eq!((stored.version_id.as_deref(), stored.differs), (Some("v7"), false));
}

#[tokio::test]
async fn a_missing_object_is_none_and_a_denied_one_an_error() {
    let missing = "<Error><Code>NoSuchKey</Code></Error>";
    assert_eq!(bucket([(404, &[], missing)]).0.read(KEY).await.unwrap(), None);
    let tag = Tag { content: b"abc".to_vec(), version_id: Some("v7".into()) };
    assert_eq!(bucket([(200, VERSION, "abc")]).0.read(KEY).await.unwrap(), Some(tag));
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    assert_eq!(bucket([(403, &[], denied)]).0.read(KEY).await.unwrap_err().name(), "Stuck");
    let conflict = "<Error><Code>ConditionalRequestConflict</Code></Error>";
    assert_eq!(bucket([(409, &[], conflict)]).0.put_once(KEY, b"").await.unwrap_err().name(), "Transient");
}

#[tokio::test]
async fn a_tag_file_tells_its_version() {
    assert_eq!(bucket([(200, VERSION, "")]).0.put_once(KEY, b"").await.unwrap(), Once::Written(Some("v7".into())));
    assert_eq!(bucket([(412, &[], TAKEN)]).0.put_once(KEY, b"").await.unwrap(), Once::There);
}

#[tokio::test]
async fn what_an_earlier_run_kept_is_described() {
    let missing = "<Error><Code>NoSuchKey</Code></Error>";
    assert_eq!(bucket([(404, &[], missing)]).0.kept(KEY).await.unwrap(), None);
    let remembered: &[(&str, &str)] = &[
        ("x-amz-version-id", "v1"),
        ("x-amz-meta-collected-at", "2026-11-23T14:02:15Z"),
        ("last-modified", "Mon, 23 Nov 2026 14:02:17 GMT"),
    ];
    for (headers, collected_at) in [(remembered, "14:02:15"), (&[remembered[0], remembered[2]][..], "14:02:17")] {
        let stored = bucket([(200, headers, "abc")]).0.kept(KEY).await.unwrap().unwrap();
        assert_eq!((stored.version_id.as_deref(), stored.bytes, stored.sha256.as_str()), (Some("v1"), 3, ABC));
        assert_eq!(stored.taken.at, at(collected_at));
    }
}

#[tokio::test]
async fn the_youngest_object_is_found_over_all_pages() {
    let page = |times: &[&str], more: &str| {
        let object = |time: &&str| format!("<Contents><LastModified>2026-11-23T{time}.000Z</LastModified></Contents>");
        format!("<ListBucketResult>{}{more}</ListBucketResult>", times.iter().map(object).collect::<String>())
    };
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>";
    let (first, last) = (page(&["14:02:20", "14:02:25"], more), page(&["14:02:21"], ""));
    let (found, http) = bucket([(200, &[], &first), (200, &[], &last)]);
    assert_eq!(found.youngest("p/1-warm/").await.unwrap(), Some(at("14:02:25")));
    let asked = asked(&http, "x");
    assert!(asked[0].1.contains("prefix=p%2F1-warm%2F"), "{}", asked[0].1);
    assert!(asked[1].1.contains("continuation-token=t1"), "{}", asked[1].1);
    assert_eq!(bucket([(200, &[], &page(&[], ""))]).0.youngest("p/").await.unwrap(), None);
}
