//! `teams.yaml`, field by field, in the words of docs/response-plans.md.

use serde_json::{Value, json};

use super::{Mapping, NAME, described, name, sentence, span};
use crate::kind::ChannelKind;
use crate::storm::{FEWEST, MOST};
use crate::teams::MOST_STEPS;

pub(super) fn teams(kinds: &[&ChannelKind]) -> Value {
    let whole = Mapping::default()
        .may("contacts", "The people, and groups of them, that can be told, by name.", named(contact(kinds)))
        .may("teams", "Per team, who is told first, and how long they have to acknowledge.", named(team()))
        .may("storm", "From how many new incidents on they are a storm, and who leads in one.", storm());
    described("Who is told, in which order, and how.", whole.closed())
}

fn named(schema: Value) -> Value {
    json!({"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": schema})
}

/// A contact has at least one channel, and at most one of each kind.
fn contact(kinds: &[&ChannelKind]) -> Value {
    let zone = json!({
        "type": "string", "pattern": "^[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32})*$", "examples": ["Europe/Berlin"],
    });
    let common =
        Mapping::default().may("time_zone", "Their time zone, by its IANA name; UTC where it is left out.", zone);
    let whole = kinds.iter().fold(common, |mapping, kind| {
        let wakes = if kind.wakes { "It wakes people." } else { "It wakes nobody." };
        let about = format!("{} {wakes}", sentence(kind.about));
        mapping.may(kind.name, &about, Mapping::of(kind.fields).closed())
    });
    let mut whole = described("Who can be told, by at least one channel.", whole.closed());
    whole["anyOf"] = kinds.iter().map(|kind| json!({"required": [kind.name]})).collect();
    whole
}

/// In the words of [`crate::StormRule`].
fn storm() -> Value {
    let number = json!({"type": "integer", "minimum": FEWEST, "maximum": MOST});
    let whole = Mapping::default()
        .must("owner", "The team that is paged about the storm itself: one of `teams`.", name())
        .must("more_than", "More new incidents than these are a storm.", number)
        .must("within", "Where they open within so long, from `1m` to `60m`.", span());
    whole.closed()
}

fn team() -> Value {
    let step = Mapping::default().must("contact", "Who is told: one of `contacts`.", name()).must(
        "wait",
        "How long to wait for an acknowledgement before the next step.",
        span(),
    );
    let steps = json!({"type": "array", "items": step.closed(), "minItems": 1, "maxItems": MOST_STEPS});
    let about = "The steps, one after the other until someone acknowledges.";
    described("A team, which owns plans.", Mapping::default().must("escalation", about, steps).closed())
}
