//! A plan, field by field, in the words of docs/response-plans.md.

use serde_json::{Map, Value, json};

use super::{Mapping, described, list, name, scalar, sentence, span, text, words};
use crate::kind::{CollectorKind, Kinds, MitigationKind};
use crate::words::{APPROVAL, ENGAGE, MODE, RECOVERED_BY, SEVERITY};

pub(super) fn plan(kinds: &Kinds<'_>) -> Value {
    let whole = Mapping::default()
        .must("plan", "Its name, unique among the plans; `catch-all` and `storm` are taken.", name())
        .must("type", "The incident type, within which history is compared.", name())
        .must(
            "match",
            "Which events it is for: an EventBridge event pattern. Each field lists what it may be, and all fields must \
             match.",
            json!({"allOf": [{"$ref": "#/definitions/pattern"}]}),
        )
        .may("service", "What breaks; left out, tags of the resource or owners.yaml say it.", name())
        .may("environment", "Where it breaks, such as `prod`; left out, as `service`.", name())
        .may("accounts", "The accounts it is for; left out, any.", list(account()))
        .may("customer_facing", "Whether customers feel it; left out, `false`.", json!({"type": "boolean"}))
        .may("owner", "Who owns the decision: a team of teams.yaml; left out, as `service`.", name())
        .must("severity", SEVERITIES, severity())
        .may("engage", ENGAGEMENTS, words(&ENGAGE))
        .may("mode", MODES, json!({"type": "string", "enum": words(&MODE)["enum"], "default": "observe"}))
        .may(
            "hold_down",
            "How long to wait before the first page, at most `15m`: where all is clear by then, nobody is paged.",
            span(),
        )
        .may(
            "reopen_within",
            "How long after its end a firing opens the same incident again, at most `1d`; left out, it is a new one.",
            span(),
        )
        .may(
            "mitigations",
            "The ways out, in order of preference; the first whose guards hold is proposed.",
            list(mitigation(kinds.mitigations)),
        )
        .may("recovery", "When the incident counts as recovered; a plan that pages must say it.", recovery())
        .may("evidence", "What is kept.", evidence(kinds.collectors))
        .may("runbook", "Where the runbook is, as a path or URL.", text());
    let whole = by_engagement(whole.closed());
    described("What a signal means: which service, whose, how bad, what may be done, when it is over.", whole)
}

const ENGAGEMENTS: &str = "`page`, the default: someone must acknowledge, and it escalates until they do. `notify`: the owner is \
                           told once, in a digest, and no incident is opened until a person makes one of it, or a rule of \
                           `severity` does.";

/// Who is paged must know when it is over; for what is only told nothing is changed.
fn by_engagement(mut plan: Value) -> Value {
    plan["if"] = json!({"properties": {"engage": {"const": "notify"}}, "required": ["engage"]});
    plan["then"] = json!({"properties": {"mitigations": {"maxItems": 0}}});
    plan["else"] = json!({"required": ["recovery"]});
    plan
}

const SEVERITIES: &str = "How bad it is: SEV1 critical, SEV2 high, SEV3 medium, SEV4 low, SEV5 no impact.";

const MODES: &str = "`observe`, the default, plans and shows; `act` changes the world after approval, where the stack's \
                     `Mutations` is on.";

/// The reader would take a number, too; others that read YAML take one that begins with 0 for another.
fn account() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{12}$", "description": "12 digits, in quotation marks."})
}

fn severity() -> Value {
    let when = Mapping::default()
        .must(
            "distinct_services_at_least",
            "So many services fire at once, this one among them.",
            json!({"type": "integer", "minimum": 2}),
        )
        .must("within", "They began to fire within so long, at most `60m`.", span());
    let raise = Mapping::default().must("when", "What has to hold.", when.closed()).must(
        "to",
        "To which severity; worse than the default.",
        words(&SEVERITY),
    );
    let rules = Mapping::default().must("default", SEVERITIES, words(&SEVERITY)).may(
        "raise",
        "When it is worse: a rise is paged again.",
        list(raise.closed()),
    );
    json!({"anyOf": [words(&SEVERITY), rules.closed()]})
}

fn recovery() -> Value {
    Mapping::default()
        .must(
            "by",
            "`signal`: the source sends a recovery, as alarms do. `person`: a person resolves the incident.",
            words(&RECOVERED_BY),
        )
        .must("held_for", "How long everything that fired must stay clear.", span())
        .closed()
}

/// What all collectors go by, and the fields of each.
fn evidence(kinds: &[&CollectorKind]) -> Value {
    let common = Mapping::default().may("before", "How far before the onset to begin.", span());
    let fields = kinds.iter().flat_map(|kind| kind.fields);
    fields.fold(common, |mapping, field| mapping.may(field.name, &sentence(field.about), list(text()))).closed()
}

/// What every mitigation has, and of the kinds exactly one.
fn mitigation(kinds: &[&MitigationKind]) -> Value {
    let common = Mapping::default()
        .must("approval", "Who must agree. `owner`: someone of the owner's team.", words(&APPROVAL))
        .must("guards", "What must hold before the change.", guards())
        .may("healthy_when", HEALTHY, healthy_when())
        .may(
            "verify_within",
            "How long to look for recovery and proof of life: `10m` where it is left out, and at most.",
            span(),
        );
    let whole = kinds.iter().fold(common, |mapping, kind| {
        let about = sentence(kind.about);
        mapping.may(kind.name, &about, Mapping::of(kind.fields).closed())
    });
    let mut whole = whole.closed();
    whole["oneOf"] = kinds.iter().map(|kind| json!({"required": [kind.name]})).collect();
    whole["allOf"] = kinds.iter().map(|kind| age(kind)).collect();
    whole["title"] = "a mitigation".into();
    whole["defaultSnippets"] = kinds.iter().map(|kind| snippet(kind)).collect();
    whole
}

/// What the YAML language server offers where a mitigation begins: the kind with all that must be said.
fn snippet(kind: &MitigationKind) -> Value {
    let required = kind.fields.iter().filter(|field| field.required);
    let with: Map<String, Value> = required.map(|field| (field.name.to_owned(), field.example.into())).collect();
    let mut body = json!({"approval": APPROVAL[0].0, "guards": {"max_targets": 1}});
    if kind.rolls_back {
        body["guards"]["change_within"] = "60m".into();
    }
    body[kind.name] = with.into();
    json!({"label": kind.name, "description": sentence(kind.about), "body": body})
}

/// Only what takes a change back says how old that change may be.
fn age(kind: &MitigationKind) -> Value {
    let says = json!({"required": ["change_within"]});
    let guards = if kind.rolls_back { says } else { json!({"not": says}) };
    json!({"if": {"required": [kind.name]}, "then": {"properties": {"guards": guards}}})
}

fn guards() -> Value {
    let least_one = json!({"type": "integer", "minimum": 1});
    Mapping::default()
        .may(
            "change_within",
            "How old the change may be that is taken back; rollbacks must say it, and nothing else may.",
            span(),
        )
        .must("max_targets", "How many resources may be touched, at most.", least_one)
        .closed()
}

const HEALTHY: &str = "Proof of life: a metric that only a living service moves. Without it the outcome is at best \
                       `unproven`, since a dead service makes no errors.";

fn healthy_when() -> Value {
    let dimensions = json!({"type": "object", "additionalProperties": scalar()});
    let metric = Mapping::default()
        .must("namespace", "CloudWatch namespace.", text())
        .must("name", "CloudWatch metric name.", text())
        .may("dimensions", "CloudWatch dimensions, by name.", dimensions);
    Mapping::default()
        .must("metric", "The CloudWatch metric whose sum over each period counts.", metric.closed())
        .must("at_least", "What each datapoint that counts must reach.", json!({"type": "number"}))
        .must(
            "datapoints",
            "How many datapoints after the change must reach it.",
            json!({"type": "integer", "minimum": 1}),
        )
        .may(
            "period",
            "The length of one datapoint: 1s, 5s, 10s, 20s, 30s or whole minutes; `60s` where it is left out.",
            span(),
        )
        .closed()
}
