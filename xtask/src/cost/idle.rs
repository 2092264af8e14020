//! The bill of a month in which nothing happens.

use std::fmt::Write as _;

use anyhow::Result;

use super::{
    counted::{Counted, Phase, SWEEP},
    page::{Row, float, types},
    prices::{Idle, Prices},
};

/// `sweep` runs every minute; a month has 730 hours.
const MINUTES: f64 = 730.0 * 60.0;

/// How many of Lambda's pollers ask a queue at once while it is empty. AWS says that Lambda polls long until the queue has
/// something, and then takes five batches at a time (Developer Guide, "Configuring scaling behavior for SQS event source
/// mappings"), and not how many poll until then: five are taken.
const POLLERS: f64 = 5.0;

/// A long poll ends after 20 s, SQS's longest.
const POLLS_A_MINUTE: f64 = 3.0;

/// Bytes of a GB, as AWS bills them.
const GIB: f64 = 1_073_741_824.0;

/// The rows.
pub(super) fn bill(counted: &Counted, template: &str) -> Vec<Row> {
    let types = types(template);
    let of = |kind: &str| float(types.get(kind).copied().unwrap_or_default());
    let sweep = counted.idle.invocations.get(SWEEP).copied().unwrap_or_default();
    let month = |count: f64| count / float(sweep.times.max(1)) * MINUTES;
    let (read, write) = units(&counted.idle);
    let logs = month(float(sweep.log_bytes)) / GIB;
    vec![
        Row::new("`AWS::CloudWatch::Alarm`: what watches the suite", of("AWS::CloudWatch::Alarm"), "alarms"),
        Row::new(
            "`SQS`: empty polls of the two queues",
            of("SQS") * POLLERS * POLLS_A_MINUTE * MINUTES,
            "sqs-requests",
        ),
        Row::new("`ScheduleV2`: runs of `sweep`", of("ScheduleV2") * MINUTES, "schedule"),
        Row::new("`AWS::Serverless::Function`: requests of `sweep`", month(float(sweep.times)), "lambda-requests"),
        Row::new("`AWS::Serverless::Function`: time of `sweep`", month(gb_seconds(&counted.idle)), "lambda-gb-seconds"),
        Row::new("`AWS::DynamoDB::Table`: reads of `sweep`", month(read), "read-units"),
        Row::new("`AWS::DynamoDB::Table`: writes of `sweep`", month(write), "write-units"),
        Row::new("`AWS::Logs::LogGroup`: lines of `sweep`, in GB", logs, "logs-taken"),
        Row::new("`AWS::Logs::LogGroup`: kept for the month, in GB", logs, "logs-kept"),
        Row::new("the secret `tourniquet/slack`, which you make where plans page by Slack", 1.0, "secrets"),
    ]
}

/// Every type of the template with what it costs while idle, or why nothing.
pub(super) fn resources(text: &mut String, prices: &Prices, template: &str) -> Result<()> {
    text.push_str("| type | how many | costs while idle | why |\n| --- | ---: | --- | --- |\n");
    for (kind, many) in types(template) {
        let (costs, why) = match prices.resource(kind)? {
            Idle::Costs(why) => ("yes", why),
            Idle::Free(why) => ("no", why),
        };
        writeln!(text, "| `{kind}` | {many} | {costs} | {why} |")?;
    }
    Ok(())
}

/// Read and write units of everybody.
pub(super) fn units(phase: &Phase) -> (f64, f64) {
    let units = phase.units.values();
    (units.clone().map(|units| units.read).sum(), units.map(|units| units.write).sum())
}

/// Seconds times GB of memory, as Lambda bills them.
pub(super) fn gb_seconds(phase: &Phase) -> f64 {
    let of = |milliseconds, memory| float(milliseconds) / 1000.0 * float(memory) / 1024.0;
    phase.invocations.values().map(|all| of(all.milliseconds, all.memory_mb)).sum()
}

/// Bytes in the GB that AWS bills.
pub(super) fn gb(bytes: u64) -> f64 {
    float(bytes) / GIB
}
