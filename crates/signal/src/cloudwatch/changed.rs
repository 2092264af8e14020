//! Somebody created, updated or deleted an alarm. An alarm that is deleted while it fires never says that it is well again.

use super::{Alarm, NAME};
use crate::arn::Arn;
use crate::event::{Event, Thing};
use crate::{Kind, Signal, State, Unread, shown};

/// The reader of configuration changes.
pub(super) fn read(event: &Event) -> Result<Signal, Unread> {
    let name = event.text("/alarmName").ok_or_else(|| event.lacks("the alarm's name"))?;
    let done = match event.text("/operation") {
        Some("create") => "was created",
        Some("delete") => "was deleted",
        _ => "was changed",
    };
    let arn = event.resource("cloudwatch", "alarm:").or_else(|| event.arn("cloudwatch", &format!("alarm:{name}")));
    let link = arn.as_ref().map(Arn::to_string).and_then(|arn| Alarm::parse(&arn)?.link());
    let title = format!("Alarm {} {done}", shown(name));
    let draft = event.draft(Kind::Change, State::Info, Thing::of(arn, name), title);
    let mut signal = draft.condition("configuration").link(link).signal()?;
    NAME.clone_into(&mut signal.source);
    signal.event["source"] = NAME.into();
    Ok(signal)
}
