//! A recorded history through the plans, offline: incidents, pages, and what a change of plans would have changed.
//!
//! What is not in a history is not played: nobody acknowledges, approves or resolves, and nothing is mitigated.

mod difference;
mod history;
mod pages;
mod played;
mod text;

use incident::V;
use serde_json::json;

use crate::args::Replay;
use crate::plans;
use crate::report::Report;
use difference::{Change, Difference};
use history::History;
use played::Player;

/// Plays the history with the plans, and with those before them.
pub(crate) fn run(what: &Replay) -> anyhow::Result<Report> {
    let plans = plans::load(&what.plans)?;
    let earlier = what.against.as_deref().map(plans::load).transpose()?;
    let history = History::open(&what.file, what.account.as_deref())?;
    let (mut player, mut other) = (Player::new(&plans), earlier.as_ref().map(Player::new));
    let contents = history.play(|signal| {
        player.take(signal);
        if let Some(other) = &mut other {
            other.take(signal);
        }
    })?;
    let (file, dir) = (what.file.display().to_string(), what.plans.display().to_string());
    let after = player.end();
    let mut text = text::contents(&file, &contents) + &text::outcome(&after, &dir);
    let mut object = json!({"v": V, "file": file, "history": contents, "dir": dir, "plans": after, "against": null});
    if let (Some(other), Some(against)) = (other, &what.against) {
        let before = other.end();
        let difference = Difference::of(&before, &after);
        let dirs = Change { before: against.display().to_string(), after: dir };
        text.push_str(&text::difference(&difference, &before, &after, &dirs));
        object["against"] = json!({"dir": dirs.before, "plans": before, "difference": difference});
    }
    Ok(Report { objects: vec![object], text, wrong: contents.unread > 0, ..Report::default() })
}

#[cfg(test)]
mod tests;
