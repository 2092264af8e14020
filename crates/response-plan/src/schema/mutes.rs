//! `mutes.yaml`, field by field, in the words of docs/mutes.md.

use serde_json::{Value, json};

use super::{Mapping, described, list, name, text, words};
use crate::mutes_file::DAYS;

pub(super) fn mutes() -> Value {
    let whole = Mapping::default().must("mutes", "What is muted again and again.", list(mute()));
    described("What is muted again and again: it opens no incident, and what fires on afterwards does.", whole.closed())
}

fn mute() -> Value {
    let pattern = json!({"allOf": [{"$ref": "#/definitions/pattern"}]});
    let mut whole = Mapping::default()
        .must("name", "Its name, unique among the mutes.", name())
        .may("match", "Which events it is for: an EventBridge event pattern, as in plans.", pattern)
        .may("plan", "For what this plan is for.", name())
        .may("service", "For this service, as plans name it.", name())
        .may("environment", "For this environment, as plans name it.", name())
        .must("every", "When it is muted.", every())
        .must("reason", "Why, for whoever wonders why nobody was paged.", text())
        .may("until", "The last day on which it begins, such as `2027-03-31`.", day())
        .closed();
    whole["anyOf"] = ["match", "plan", "service", "environment"].map(|said| json!({"required": [said]})).into();
    described("Something that is muted; it has to be all of what is said.", whole)
}

fn every() -> Value {
    let time = || json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["02:00"]});
    let zone = json!({"type": "string", "minLength": 1, "examples": ["Europe/Berlin"]});
    Mapping::default()
        .may("days", "The days on which it begins; left out, every day.", list(words(&DAYS)))
        .must("from", "When it begins, by the clock on the wall there.", time())
        .must("to", "When it ends: on the next day, where it is not later than `from`.", time())
        .must("time_zone", "Whose clock: the IANA name of a time zone.", zone)
        .closed()
}

fn day() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2027-03-31"]})
}
