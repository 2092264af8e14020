//! What triage computes for one event, without the network: parse, match, decide, by the number of plans. `cargo xtask
//! bench triage` runs it and adds start-up and a storm; with `--write PLANS FILE` it only writes so many compiled plans.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it is run to look at what it prints")]

use std::hint::black_box;
use std::time::Duration;

use incident::{Action, GroupKey, Known, decide, incident_id};
use response_plan::{Config, Plans, ResponsePlan, catch_all, compile};
use serde_json::{Value, json};
use signal::Origin;

/// How plans may differ: by what of the detail of an alarm of service n they want, and the account that they are for.
type Differ = fn(usize) -> (Value, Option<usize>);

const SHAPES: [(&str, Differ); 14] = [
    ("prefix", |n| name(json!({"prefix": format!("service-{n}-")}))),
    ("exact", |n| name(json!(format!("service-{n}-errors")))),
    ("suffix", |n| name(json!({"suffix": format!("-{n}-errors")}))),
    ("wildcard", |n| name(json!({"wildcard": format!("service-{n}-*")}))),
    ("wildcard, same ends", |n| name(json!({"wildcard": format!("service*-{n}-*errors")}))),
    ("wildcard, no ends", |n| name(json!({"wildcard": format!("*-{n}-*")}))),
    ("account and prefix", |n| (name(json!({"prefix": format!("service-{}", n % 100)})).0, Some(n / 100))),
    ("any case", |n| name(json!({"equals-ignore-case": format!("Service-{n}-Errors")}))),
    ("prefix in any case", |n| name(json!({"prefix": {"equals-ignore-case": format!("Service-{n}-")}}))),
    ("suffix in any case", |n| name(json!({"suffix": {"equals-ignore-case": format!("-{n}-Errors")}}))),
    ("number", |n| (json!({"number": [n]}), None)),
    ("numeric", |n| (json!({"number": [{"numeric": ["=", n]}]}), None)),
    ("numeric range", |n| (json!({"number": [{"numeric": [">=", n, "<", n + 1]}]}), None)),
    ("cidr", |n| (json!({"address": [{"cidr": format!("10.{}.{}.0/24", n >> 8, n & 255)}]}), None)),
];

fn name(wanted: Value) -> (Value, Option<usize>) {
    (json!({ "alarmName": [wanted] }), None)
}

const PLANS: [usize; 3] = [10, 1_000, 10_000];

/// Events for each row: enough to be far above the clock's grain.
const EVENTS: usize = 5_000;

/// A compiled file of so many plans, each as large as people write them.
fn file(plans: usize, differ: Differ) -> Vec<u8> {
    let template = catch_all("topic");
    let mitigation = json!({
        "kind": "rollback-lambda-alias", "with": {"function": "checkout", "alias": "live"},
        "does": "roll checkout:live back to the last version recorded as good", "approval": "owner",
        "guards": {"change_within": "60m", "max_targets": 1}, "verify_within": "10m",
        "healthy_when": {"metric": {"namespace": "Checkout", "name": "Orders"}, "at_least": 10.0, "datapoints": 3,
                         "period": "1m"},
    });
    let plan = |n: usize| {
        let (detail, account) = differ(n);
        ResponsePlan {
            plan: format!("plan-{n}"),
            pattern: json!({
                "source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
                "detail": detail,
            }),
            accounts: account.map(|account| format!("{account:012}")).into_iter().collect(),
            mitigations: vec![serde_json::from_value(mitigation.clone()).unwrap()],
            runbook: Some("docs/runbooks/checkout-bad-deployment.md".to_owned()),
            ..template.plan.clone()
        }
    };
    let teams = [(template.team.name.clone(), template.team.clone())].into();
    compile(&Config { plans: (0..plans).map(plan).collect(), teams, owners: None, mutes: Vec::new(), storm: None }, "0")
        .bytes
}

/// An alarm that the plan of this number is for.
fn event(n: usize, differ: Differ) -> Vec<u8> {
    let account = format!("{:012}", differ(n).1.unwrap_or(0));
    let service = if differ(n).1.is_some() { n % 100 } else { n };
    let name = format!("service-{service}-errors");
    let event = json!({
        "version": "0", "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92", "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change", "account": account, "region": "eu-west-1",
        "time": "2026-03-01T10:05:12Z", "resources": [format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{name}")],
        "detail": {
            "alarmName": name, "number": n, "address": format!("10.{}.{}.7", n >> 8, n & 255),
            "configuration": {"description": "Errors", "metrics": [{"id": "m1", "returnData": true, "metricStat": {
                "metric": {"namespace": "AWS/Lambda", "name": "Errors", "dimensions": {"FunctionName": "checkout"}},
                "period": 60, "stat": "Sum"}}]},
            "previousState": {"reason": "fine", "timestamp": "2026-03-01T10:00:12.000+0000", "value": "OK"},
            "state": {"reason": "Threshold Crossed: 1 datapoint was greater than the threshold", "value": "ALARM",
                      "timestamp": "2026-03-01T10:05:12.000+0000"},
        },
    });
    event.to_string().into_bytes()
}

/// The processor time of this thread, so that what else the machine does does not count.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// What triage computes for one event that nothing is known of.
fn triage(plans: &Plans, bytes: &[u8]) -> String {
    let event: Value = serde_json::from_slice(bytes).unwrap();
    let signal = signal::read_value(&event, &Origin::default()).remove(0).unwrap();
    let resolution = plans.resolve(&signal);
    assert!(resolution.matched);
    let of = &resolution.plan.plan;
    let group = GroupKey::new(&of.plan, &of.service, &of.environment, signal.account.as_deref(), signal.drill);
    assert_eq!(decide(&signal, &Known::default()), Action::Open);
    incident_id(&group, &signal)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().is_some_and(|argument| argument == "--write") {
        let plans = arguments.next().unwrap().parse().unwrap();
        return std::fs::write(arguments.next().unwrap(), file(plans, SHAPES[0].1)).unwrap();
    }
    for (shape, differ) in SHAPES {
        for plans in PLANS {
            let file = file(plans, differ);
            let started = now();
            let loaded = Plans::load(&file, "topic").unwrap();
            let load = now() - started;
            assert_eq!(loaded.disabled, []);
            let events: Vec<_> = (0..plans).step_by(plans.div_ceil(100)).map(|n| event(n, differ)).collect();
            let rounds = EVENTS / events.len();
            let started = now();
            for bytes in (0..rounds).flat_map(|_| &events) {
                black_box(triage(&loaded, bytes));
            }
            let each = (now() - started) / u32::try_from(rounds * events.len()).unwrap();
            let row = json!({
                "plans_by": shape, "plans": plans, "file_kib": file.len() / 1024, "load_us": load.as_micros(),
                "event_ns": each.as_nanos(),
            });
            println!("{row}");
        }
    }
}
