//! The bill of one incident.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Result;

use super::{
    counted::{CLOUDWATCH, Counted, PUBLISH, Phase},
    idle::{gb, gb_seconds, units},
    page::{Row, float, number},
    prices::{Billed, Prices},
};

/// What of the calls has a price of its own, with the price's name.
const CALLS: [(&str, &str); 6] = [
    ("SNS: publishes", "sns-publishes"),
    ("SQS: commands that are sent, and taken off the queue", "sqs-requests"),
    ("S3: PUT, POST and LIST", "s3-puts"),
    ("S3: GET and HEAD", "s3-gets"),
    ("CloudWatch: `DescribeAlarms` and `DescribeAlarmHistory`, as if they were charged", "cloudwatch-requests"),
    ("Secrets Manager: the token of Slack", "secret-calls"),
];

/// For how many months evidence is kept, `EvidenceDays` being 365.
const KEPT_MONTHS: f64 = 12.0;

/// The rows. Fails by name on a call that nobody has thought of, and on one whose price no row has.
pub(super) fn bill(counted: &Counted, prices: &Prices) -> Result<Vec<Row>> {
    let phase = &counted.incident;
    let mut priced = priced(phase, prices)?;
    priced_nothing(&counted.idle, prices)?;
    let (read, write) = units(phase);
    let invocations = phase.invocations.values().map(|all| all.times).sum();
    let logged = gb(phase.invocations.values().map(|all| all.log_bytes).sum());
    let (stored, records) = (gb(phase.stored_bytes), gb(phase.table_bytes));
    let published =
        [PUBLISH, "state machine: sns:publish"].into_iter().filter_map(|call| phase.calls.get(call)).flatten();
    let pages = published.filter(|(by, _)| *by != CLOUDWATCH).map(|(_, times)| times).sum();
    let mut rows = vec![
        Row::new("Step Functions: states entered", float(phase.transitions.values().sum()), "state-transitions"),
        Row::new("Lambda: requests", float(invocations), "lambda-requests"),
        Row::new("Lambda: time", gb_seconds(phase), "lambda-gb-seconds"),
        Row::new("DynamoDB: writes", write, "write-units"),
        Row::new("DynamoDB: reads", read, "read-units"),
        Row::new("CloudWatch: metrics asked for", float(phase.metrics), "metrics-read"),
        Row::new("SNS: pages, as if each went out as one e-mail", float(pages), "sns-emails"),
        Row::new("CloudWatch Logs: lines of the functions, in GB", logged, "logs-taken"),
        Row::new("S3: evidence and postmortem, GB times twelve months", stored * KEPT_MONTHS, "s3-storage"),
        Row::new("DynamoDB: the records, GB times twelve months", records * KEPT_MONTHS, "table-storage"),
        Row::new("DynamoDB: their backup, GB times twelve months", records * KEPT_MONTHS, "table-backup"),
    ];
    for (what, price) in CALLS {
        rows.push(Row::new(what, float(priced.remove(price).unwrap_or_default()), price));
    }
    anyhow::ensure!(priced.is_empty(), "No row of the bill of an incident has what costs {:?}: add one", priced.keys());
    Ok(rows)
}

/// The calls that have a price of their own, by that price.
fn priced<'a>(phase: &Phase, prices: &'a Prices) -> Result<BTreeMap<&'a str, u64>> {
    let mut counts = BTreeMap::new();
    for (call, by) in &phase.calls {
        if let Billed::Price(price) = prices.call(call)? {
            *counts.entry(price.as_str()).or_default() += by.values().sum::<u64>();
        }
    }
    Ok(counts)
}

/// The idle bill has no rows for calls with a price of their own: `sweep` makes none while nothing is open.
fn priced_nothing(idle: &Phase, prices: &Prices) -> Result<()> {
    let priced = priced(idle, prices)?;
    anyhow::ensure!(
        priced.is_empty(),
        "Idle calls cost {:?}, for which the idle bill has no row: add one",
        priced.keys()
    );
    Ok(())
}

/// Functions and state machines.
pub(super) fn functions(text: &mut String, counted: &Counted) -> Result<()> {
    text.push_str("| function | runs | seconds, on the machine that counted | memory | GB-seconds |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for (name, all) in &counted.incident.invocations {
        let seconds = float(all.milliseconds) / 1000.0;
        let billed = number(seconds * float(all.memory_mb) / 1024.0);
        writeln!(text, "| `{name}` | {} | {seconds:.1} | {} MB | {billed} |", all.times, all.memory_mb)?;
    }
    text.push_str("\n| state machine | states entered |\n| --- | ---: |\n");
    for (name, entered) in &counted.incident.transitions {
        writeln!(text, "| `{name}` | {entered} |")?;
    }
    Ok(())
}

/// Every call, by whom, and what it counts as.
pub(super) fn calls(text: &mut String, counted: &Counted, prices: &Prices) -> Result<()> {
    text.push_str("| call | how often | by | counts as |\n| --- | ---: | --- | --- |\n");
    for (call, by) in &counted.incident.calls {
        let all: u64 = by.values().sum();
        let who: Vec<_> = by.iter().map(|(who, times)| format!("{who} {times}")).collect();
        let counts = match prices.call(call)? {
            Billed::Price(name) => prices.price(name)?.unit.clone(),
            Billed::Within(what) => what.clone(),
            Billed::Free(why) => format!("nothing: {why}"),
        };
        writeln!(text, "| `{call}` | {all} | {} | {counts} |", who.join(", "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(call: &str, idle: bool) -> Counted {
        let mut phase = Phase::default();
        phase.called(call.to_owned(), "triage".to_owned(), 3);
        let (incident, idle) = if idle { (Phase::default(), phase) } else { (phase, Phase::default()) };
        Counted { v: 1, counted_on: String::new(), story: String::new(), incident, idle }
    }

    #[test]
    fn a_call_is_billed_at_its_price() {
        let rows = bill(&counted("s3 PutObject", false), &Prices::read().unwrap()).unwrap();
        let row = rows.iter().find(|row| row.price == "s3-puts").unwrap();
        assert!((row.count - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_call_that_nobody_has_thought_of_fails_by_name() {
        let prices = Prices::read().unwrap();
        for idle in [false, true] {
            let error = bill(&counted("kms Decrypt", idle), &prices).err().unwrap().to_string();
            assert!(error.contains("`kms Decrypt` was called"), "{error}");
        }
        let error = bill(&counted("sns Publish", true), &prices).err().unwrap().to_string();
        assert!(error.contains("sns-publishes"), "{error}");
    }
}
