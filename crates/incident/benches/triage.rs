//! What triage computes for one event, without the network: parse, match, decide, by the number of plans. `cargo xtask
//! bench triage` runs it and adds start-up and a storm; with `--write PLANS FILE` it only writes so many compiled plans.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it is run to look at what it prints")]

use std::hint::black_box;
use std::time::Duration;

use incident::{Action, GroupKey, Known, decide, incident_id};
use response_plan::{Config, Plans, ResponsePlan, catch_all, compile};
use serde_json::{Value, json};
use signal::Origin;

/// How plans may differ: by what the pattern of plan n has besides the source, or in place of it, and the account that it is for.
type Differ = fn(usize) -> (Value, Option<usize>);

const SHAPES: [(&str, Differ); 25] = [
    ("prefix", |n| name(json!({"prefix": format!("service-{n}-")}))),
    ("exact", |n| name(json!(format!("service-{n}-errors")))),
    ("suffix", |n| name(json!({"suffix": format!("-{n}-errors")}))),
    ("wildcard", |n| name(json!({"wildcard": format!("service-{n}-*")}))),
    ("wildcard, same ends", |n| name(json!({"wildcard": format!("service*-{n}-*errors")}))),
    ("wildcard, no ends", |n| name(json!({"wildcard": format!("*-{n}-*")}))),
    ("wildcard, a short part", |n| resource(json!({"wildcard": format!("arn:*:cloudwatch:*-{n}-*")}))),
    ("account and prefix", |n| (of(json!({"group": [{"prefix": format!("group-{}-", n % 100)}]})), Some(n / 100))),
    ("any case", |n| name(json!({"equals-ignore-case": format!("Service-{n}-Errors")}))),
    ("prefix in any case", |n| name(json!({"prefix": {"equals-ignore-case": format!("Service-{n}-")}}))),
    ("suffix in any case", |n| name(json!({"suffix": {"equals-ignore-case": format!("-{n}-Errors")}}))),
    ("number", |n| detail(json!({"number": [n]}))),
    ("numeric", |n| detail(json!({"number": [{"numeric": ["=", n]}]}))),
    ("numeric range", |n| detail(json!({"number": [{"numeric": [">=", n, "<", n + 1]}]}))),
    ("cidr", |n| detail(json!({"address": [{"cidr": format!("10.{}.{}.0/24", n >> 8, n & 255)}]}))),
    ("resource", |n| resource(json!({"prefix": format!("{ALARM}service-{n}-")}))),
    ("account", |n| (json!({"account": [format!("{n:012}")]}), Some(n))),
    ("detail type", |n| (json!({"source": ["acme.shop"], "detail-type": [format!("Export {n} Failed")]}), None)),
    ("many names", |n| {
        detail(
            json!({"alarmName": (0..80).map(|m| format!("service-{n}-errors-{m}")).chain([format!("service-{n}-errors")]).collect::<Value>()}),
        )
    }),
    ("beside anything-but", |n| {
        detail(
            json!({"alarmName": [{"prefix": format!("service-{n}-")}], "state": {"value": [{"anything-but": "OK"}]}, "address": [{"anything-but": {"prefix": format!("{n}-")}}]}),
        )
    }),
    ("beside exists", |n| {
        detail(
            json!({"alarmName": [{"prefix": format!("service-{n}-")}], "gone": [{"exists": false}], "number": [{"exists": true}]}),
        )
    }),
    ("list of objects", |n| detail(json!({"tags": {"key": ["service"], "value": [format!("service-{n}")]}}))),
    ("one of 20 fields", |n| detail(json!({"about": {format!("kind-{}", n % 20): [format!("service-{n}")]}}))),
    ("$or of 5 fields", |n| {
        let about = json!({format!("kind-{}", n % 20): [format!("service-{n}")]});
        let fields = [
            json!({"alarmName": [format!("never-{n}")]}),
            json!({"number": [{"numeric": ["=", n as f64 + 0.5]}]}),
            json!({"address": [format!("11.{}.{}.1", n >> 8, n & 255)]}),
            json!({"group": [format!("never-{n}")]}),
            json!({"about": about}),
        ];
        detail(json!({"$or": fields}))
    }),
    ("4 fields together", |n| {
        let digit = |n: usize| json!([(n % 10).to_string()]);
        detail(json!({"digits": {"a": digit(n), "b": digit(n / 10), "c": digit(n / 100), "d": digit(n / 1_000)}}))
    }),
];

const ALARM: &str = "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:";

fn of(detail: Value) -> Value {
    json!({"detail-type": ["CloudWatch Alarm State Change"], "detail": detail})
}

fn detail(detail: Value) -> (Value, Option<usize>) {
    (of(detail), None)
}

fn name(wanted: Value) -> (Value, Option<usize>) {
    detail(json!({ "alarmName": [wanted] }))
}

fn resource(wanted: Value) -> (Value, Option<usize>) {
    (json!({ "resources": [wanted] }), None)
}

const PLANS: [usize; 3] = [10, 1_000, 10_000];

/// Each number of plans has so many turns, one after the other, of which the fastest counts: what else the machine does meets
/// all of them.
const TURNS: usize = 15;

/// So many events are a turn.
const EVENTS: usize = 200;

/// A file is loaded so often; the fastest counts.
const LOADS: usize = 3;

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
        let (differs, account) = differ(n);
        let mut pattern = json!({"source": ["aws.cloudwatch"]});
        pattern.as_object_mut().unwrap().append(&mut differs.as_object().unwrap().clone());
        ResponsePlan {
            plan: format!("plan-{n}"),
            pattern,
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

/// An event that the plan of this number is for: an alarm, but where the plan wants another source.
fn event(n: usize, differ: Differ) -> Vec<u8> {
    let (differs, account) = differ(n);
    let account = format!("{:012}", account.unwrap_or(0));
    let name = format!("service-{n}-errors");
    let top = |field: &str, else_is: &str| differs[field][0].as_str().unwrap_or(else_is).to_owned();
    let digit = |n: usize| (n % 10).to_string();
    let event = json!({
        "version": "0", "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92", "source": top("source", "aws.cloudwatch"),
        "detail-type": top("detail-type", "CloudWatch Alarm State Change"), "account": account, "region": "eu-west-1",
        "time": "2026-03-01T10:05:12Z", "resources": [format!("{ALARM}{name}")],
        "detail": {
            "alarmName": name, "number": n, "address": format!("10.{}.{}.7", n >> 8, n & 255),
            "group": format!("group-{}-a", n % 100), "about": {format!("kind-{}", n % 20): format!("service-{n}")},
            "digits": {"a": digit(n), "b": digit(n / 10), "c": digit(n / 100), "d": digit(n / 1_000)},
            "tags": [{"key": "team", "value": "checkout"}, {"key": "service", "value": format!("service-{n}")}],
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

/// The processor time of this thread, so that what else the machine does does not count. The system adds it up when it looks
/// at the thread, so that this makes it look.
fn now() -> Duration {
    std::thread::yield_now();
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
        let mut all = PLANS.map(|plans| Load::of(plans, differ));
        for _ in 0..TURNS {
            all.iter_mut().for_each(Load::turn);
        }
        for Load { plans, file_kib, load, each, .. } in all {
            let row = json!({
                "plans_by": shape, "plans": plans, "file_kib": file_kib, "load_us": load.as_micros(),
                "event_ns": each.as_nanos(),
            });
            println!("{row}");
        }
    }
}

/// A number of plans, loaded, with events for some of them.
struct Load {
    plans: usize,
    file_kib: usize,
    /// How long it took to load them.
    load: Duration,
    loaded: Plans,
    events: Vec<Vec<u8>>,
    /// How long an event took in the fastest turn.
    each: Duration,
}

impl Load {
    fn of(plans: usize, differ: Differ) -> Self {
        let file = file(plans, differ);
        let load = || {
            let began = now();
            let loaded = Plans::load(&file, "topic").unwrap();
            (now() - began, loaded)
        };
        let (load, loaded) = (0..LOADS).map(|_| load()).min_by_key(|(took, _)| *took).unwrap();
        assert_eq!(loaded.disabled, []);
        let events = (0..EVENTS).map(|n| event(n * plans / EVENTS, differ)).collect();
        Self { plans, file_kib: file.len() / 1024, load, loaded, events, each: Duration::MAX }
    }

    fn turn(&mut self) {
        let began = now();
        for bytes in &self.events {
            black_box(triage(&self.loaded, bytes));
        }
        self.each = self.each.min((now() - began) / u32::try_from(self.events.len()).unwrap());
    }
}
