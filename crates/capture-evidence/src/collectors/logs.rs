//! Log groups, as one JSON line an event: `{"timestamp", "ingestion", "stream", "message"}`, times in UTC.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use evidence_bundle::Gap;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use response_plan::{CollectorKind, Field, one_line};
use serde::Serialize;
use std::collections::BTreeSet;
use step::Allow;

use super::{Collected, Collection, Desk, Draft, Kind, Trouble, not_kept};
use crate::bucket::{Stored, Taken, Upload};

const LOG_GROUPS: Field = Field {
    name: "log_groups",
    about: "name log groups of CloudWatch Logs",
    example: "[/aws/lambda/checkout]",
    required: false,
    check: |text| one_line(text, "log group"),
};

pub(super) static KIND: Kind = Kind {
    plan: CollectorKind { name: "logs", about: "What log groups have of the window.", fields: &[LOG_GROUPS] },
    allows: &[Allow {
        actions: &["logs:FilterLogEvents"],
        resources: &["!Sub 'arn:${AWS::Partition}:logs:*:${AWS::AccountId}:log-group:*'"],
        condition: None,
    }],
    wanted: |incident| {
        let groups: BTreeSet<&String> = incident.plan().evidence.of(LOG_GROUPS.name).iter().collect();
        groups.into_iter().map(|group| Box::new(LogGroup(group.clone())) as _).collect()
    },
};

/// What a log group has, by its name.
#[derive(Debug)]
pub(super) struct LogGroup(pub(super) String);

impl Collection for LogGroup {
    fn what(&self) -> String {
        format!("log group {}", self.0)
    }

    fn draft(&self, desk: &Desk<'_>) -> Draft {
        let group = &self.0;
        Draft {
            collector: KIND.plan.name,
            name: format!("{}.ndjson", group.trim_start_matches('/')),
            query: format!("FilterLogEvents logGroupName={group}"),
            window: Some(desk.window),
            source_arn: Some(format!("arn:{}:logs:{}:{}:log-group:{group}", desk.partition, desk.region, desk.account)),
        }
    }

    /// Keeps the events of one log group, page by page in constant memory. What was read before a failure is kept, and
    /// the rest is a gap.
    fn collect<'a>(&'a self, desk: &'a Desk<'_>) -> BoxFuture<'a, Result<Collected, Trouble>> {
        Box::pin(async move {
            let draft = self.draft(desk);
            let client = Client::new(&desk.config_in(desk.region)?);
            let mut upload = desk.bucket.upload(desk.key(&draft), Taken { window: draft.window, at: step::now() });
            let ended = read(desk, &client, &self.0, &mut upload).await?;
            let stored = upload.finish().await.map_err(not_kept)?;
            let gaps = rest(&self.what(), &ended, &stored);
            Ok(Collected { files: vec![draft.captured(stored)], gaps, ..Collected::default() })
        })
    }
}

/// One event, in the order in which people read it.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: Option<Timestamp>,
    ingestion: Option<Timestamp>,
    stream: Option<&'a str>,
    message: Option<&'a str>,
}

/// How the reading ended: where and why, if not at the end of the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ended {
    last: Option<Timestamp>,
    early: Option<String>,
}

async fn read(desk: &Desk<'_>, client: &Client, group: &str, upload: &mut Upload<'_>) -> Result<Ended, Trouble> {
    let window = desk.window;
    let request = client
        .filter_log_events()
        .log_group_name(group)
        .start_time(window.from.as_millisecond())
        .end_time(window.to.as_millisecond());
    let (mut ended, mut read, mut token) = (Ended::default(), 0, None);
    loop {
        let first = token.is_none();
        let page = match desk.ask(request.clone().set_next_token(token).send()).await {
            Ok(page) => page,
            Err(reason) if first => return Err(reason.into()),
            Err(reason) => return Ok(Ended { early: Some(reason), ..ended }),
        };
        let lines: String = page.events().iter().map(line).collect::<Result<_, _>>()?;
        read += lines.len() as u64;
        if read > desk.limits.log_group_bytes {
            let cap = desk.limits.log_group_bytes / (1024 * 1024);
            return Ok(Ended { early: Some(format!("no more than {cap} MiB are kept of one log group.")), ..ended });
        }
        upload.write(lines.as_bytes()).await.map_err(not_kept)?;
        ended.last = page.events().last().and_then(|event| time(event.timestamp)).or(ended.last);
        token = page.next_token;
        if token.is_none() {
            return Ok(ended);
        }
    }
}

/// The gap of what was not read, and of what an earlier run may have left out: its file is the one that is kept.
fn rest(what: &str, ended: &Ended, stored: &Stored) -> Vec<Gap> {
    let gap = |what, reason: String| Gap { collector: KIND.plan.name.to_owned(), what, reason };
    if stored.differs {
        let at = stored.taken.at;
        let reason =
            "a run that ended early kept the file, which may lack events, and nothing is written over it.".to_owned();
        return vec![gap(format!("{what}, beyond what was kept at {at}"), reason)];
    }
    let since = ended.last.map_or("the beginning of the window".to_owned(), |last| last.to_string());
    ended.early.iter().map(|reason| gap(format!("{what}, from {since} on"), reason.clone())).collect()
}

fn line(event: &FilteredLogEvent) -> Result<String, String> {
    let line = Line {
        timestamp: time(event.timestamp),
        ingestion: time(event.ingestion_time),
        stream: event.log_stream_name(),
        message: event.message(),
    };
    let line = serde_json::to_string(&line).map_err(|e| format!("a line could not be written: {e}."))?;
    Ok(line + "\n")
}

fn time(millis: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis?).ok()
}
