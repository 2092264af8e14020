//! A message as Block Kit, within Slack's limits, and nothing in it that Slack would read as a mention or a link of its
//! own.

use serde_json::{Value, json};

use crate::message::Message;

/// Slack's limits, with some room: a header 150, a section 3,000, and about 13,200 in all blocks (undocumented).
const HEADER: usize = 150;
const SECTION: usize = 2_800;
/// One fact; a message has at most thirteen.
const FACT: usize = 700;
/// The text of notifications and of clients without blocks.
const TEXT: usize = 3_000;

/// The body of `chat.postMessage`.
pub(super) fn body(channel: &str, message: &Message) -> Value {
    json!({
        "channel": channel,
        "text": escaped(&message.text(), TEXT),
        "blocks": blocks(message),
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn blocks(message: &Message) -> Vec<Value> {
    let mut blocks =
        vec![json!({"type": "header", "text": {"type": "plain_text", "text": plain(&message.title, HEADER)}})];
    let facts: Vec<_> = message.facts.iter().map(|(label, fact)| format!("*{label}:* {}", linked(fact))).collect();
    blocks.extend(sections(&facts));
    let commands: Vec<_> =
        message.actions.iter().map(|(label, command)| format!("{label}: `{}`", code(command))).collect();
    blocks.extend(sections(&commands));
    blocks.push(json!({"type": "context", "elements": [mrkdwn(&escaped(&message.footer, FACT))]}));
    blocks
}

/// As many lines to a section as it holds.
fn sections(lines: &[String]) -> Vec<Value> {
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        match texts.last_mut() {
            Some(text) if units(text) + 1 + units(line) <= SECTION => {
                text.push('\n');
                text.push_str(line);
            }
            _ => texts.push(line.clone()),
        }
    }
    texts.iter().map(|text| json!({"type": "section", "text": mrkdwn(text)})).collect()
}

/// `verbatim` keeps Slack from making links and mentions of what merely looks like them.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// A fact, as a link where it is an address that survives whole.
fn linked(fact: &str) -> String {
    let is_link = fact.starts_with("https://") && !fact.contains([' ', '|', '<', '>', '…']);
    let shown = escaped(fact, FACT);
    if is_link && !shown.ends_with('…') { format!("<{shown}>") } else { shown }
}

fn code(command: &str) -> String {
    escaped(&command.replace('`', "'"), FACT)
}

/// Escaped for mrkdwn and at most `max` UTF-16 units long afterwards, never cut inside an escape.
fn escaped(text: &str, max: usize) -> String {
    fitted(text, max, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

/// At most `max` UTF-16 units.
fn plain(text: &str, max: usize) -> String {
    fitted(text, max, |_| None)
}

fn fitted(text: &str, max: usize, escape: fn(char) -> Option<&'static str>) -> String {
    let size = |c: char| escape(c).map_or_else(|| c.len_utf16(), str::len);
    let whole = text.chars().map(size).sum::<usize>() <= max;
    let mut room = if whole { max } else { max.saturating_sub(1) };
    let mut kept = String::new();
    for c in text.chars() {
        let Some(left) = room.checked_sub(size(c)) else { break };
        room = left;
        match escape(c) {
            Some(escape) => kept.push_str(escape),
            None => kept.push(c),
        }
    }
    if !whole {
        kept.push('…');
    }
    kept
}

/// Length as Slack counts it at most.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(block: &Value) -> Vec<&str> {
        let elements = block["elements"].as_array().map(|e| e.iter().collect()).unwrap_or_else(|| vec![&block["text"]]);
        elements.into_iter().map(|text| text["text"].as_str().unwrap()).collect()
    }

    fn check_limits(message: &Message) -> Result<(), TestCaseError> {
        let body = body("C1", message);
        prop_assert!(units(body["text"].as_str().unwrap()) <= 4_000);
        let blocks = body["blocks"].as_array().unwrap();
        prop_assert!(blocks.len() <= 50);
        for block in blocks {
            let limit = if block["type"] == "header" { 150 } else { 3_000 };
            for text in texts(block) {
                prop_assert!(!text.is_empty() && units(text) <= limit, "{limit}: {text}");
            }
        }
        let all: usize = blocks.iter().flat_map(texts).map(units).sum();
        prop_assert!(all <= 13_200, "{all}");
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_is_longer_than_slack_takes(title in "(?s).{1,400}", facts in prop::collection::vec("[&<>a😀]{0,600}", 1..14)) {
            let facts = facts.into_iter().map(|fact| ("Fact", fact)).collect();
            let actions = vec![("Take it", "tourniquet ack inc-20261123-0123456789".to_owned())];
            check_limits(&Message { title, facts, actions, footer: "inc".into() })?;
        }
    }

    #[test]
    fn huge_titles_stay_within_the_limits() {
        let facts = vec![("Fact", "&".repeat(600)); 13];
        let message = Message { title: "😀".repeat(10_000), facts, actions: vec![], footer: "<".repeat(10_000) };
        check_limits(&message).unwrap();
    }

    #[test]
    fn nothing_mentions_anybody_by_accident() {
        assert_eq!(escaped("<!channel> a & b", 99), "&lt;!channel&gt; a &amp; b");
        assert_eq!(escaped("&&&", 11), "&amp;&amp;…");
        assert_eq!(escaped("&&&", 15), "&amp;&amp;&amp;");
        assert_eq!(linked("https://a.example/?x=1&y=2"), "<https://a.example/?x=1&amp;y=2>");
        assert_eq!(linked("https://a.example/|<!channel>"), "https://a.example/|&lt;!channel&gt;");
        assert_eq!(code("a`b"), "a'b");
    }
}
