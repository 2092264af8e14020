//! Which writes there are: nobody lists them by hand, they are read off what undisturbed incidents wrote.

use std::collections::BTreeSet;

use super::story::Story;
use crate::proxy::Written;

/// A write after which a function is to be killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// In which story it was seen first.
    pub(super) story: Story,
    /// The function, by its name in the template.
    pub(super) function: String,
    /// The write's name.
    pub(super) write: String,
}

/// An undisturbed incident.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) story: Story,
    /// What its calls mention: its id, its service, the tokens of those who waited for it.
    pub(super) mentions: Vec<String>,
}

impl Target {
    /// Whether the call says only a token of whom it wakes.
    pub(super) fn is_wake_up(&self) -> bool {
        self.write == "states SendTaskSuccess"
    }
}

/// Every write, once, in the order of the stories and of time; and what belongs to no incident that was played, which is
/// nobody's to be killed after.
pub(super) fn targets(written: &[Written], incidents: &[Seen]) -> (Vec<Target>, Vec<String>) {
    let is_about = |write: &Written, seen: &Seen| seen.mentions.iter().any(|text| write.text.contains(text));
    let mut known = BTreeSet::new();
    let mut targets = Vec::new();
    for seen in incidents {
        for write in written.iter().filter(|write| is_about(write, seen)) {
            let target = Target { story: seen.story, function: function(&write.by), write: write.name.clone() };
            if known.insert((target.function.clone(), target.write.clone())) {
                targets.push(target);
            }
        }
    }
    let of_nobody = written.iter().filter(|write| !incidents.iter().any(|seen| is_about(write, seen)));
    (targets, of_nobody.map(|write| format!("{} {}", function(&write.by), write.name)).collect())
}

/// `TriageFunction`, from the name that the deployment gave it.
fn function(name: &str) -> String {
    name.split('-').find(|part| part.ends_with("Function")).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(by: &str, name: &str, text: &str) -> Written {
        Written { by: format!("tourniquet-{by}-0A1B"), name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn every_write_of_every_function_is_a_target_once() {
        let seen =
            |story, mentions: &[&str]| Seen { story, mentions: mentions.iter().map(|m| (*m).to_owned()).collect() };
        let incidents = [seen(Story::Mended, &["inc-1", "token-1"]), seen(Story::Healed, &["inc-2"])];
        let all = [
            written("TriageFunction", "open", "{inc-2}"),
            written("TriageFunction", "open", "{inc-1}"),
            written("NotifyFunction", "note", "{inc-1}"),
            written("TriageFunction", "note", "{inc-1}"),
            written("NotifyFunction", "note", "{inc-1} again"),
            written("CommandFunction", "states SendTaskSuccess", "token-1"),
            written("RemediateFunction", "cancel", "{inc-2}"),
            written("SweepFunction", "lost", "{inc-3}"),
        ];
        let (targets, of_nobody) = targets(&all, &incidents);
        let named: Vec<_> = targets.iter().map(|t| (t.story.word(), t.function.as_str(), t.write.as_str())).collect();
        assert_eq!(
            named,
            [
                ("mended", "TriageFunction", "open"),
                ("mended", "NotifyFunction", "note"),
                ("mended", "TriageFunction", "note"),
                ("mended", "CommandFunction", "states SendTaskSuccess"),
                ("healed", "RemediateFunction", "cancel"),
            ]
        );
        assert_eq!(of_nobody, ["SweepFunction lost"]);
        assert!(targets[3].is_wake_up() && !targets[0].is_wake_up());
    }
}
