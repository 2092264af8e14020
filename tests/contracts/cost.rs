//! The page about what it costs names everything in the template, and its figures are those of the record, the price list
//! and the template as they are.

use xtask::cost::{Counted, PAGE, Prices, figures, types};

use crate::repository::{found, none, read, root};

/// The types of the template that the page does not list.
fn unlisted(template: &str, page: &str) -> Vec<String> {
    let is_listed = |kind: &str| page.lines().any(|line| line.starts_with(&format!("| `{kind}` |")));
    let missing = types(template).into_keys().filter(|kind| !is_listed(kind));
    missing.map(|kind| format!("{PAGE} does not say what {kind} costs")).collect()
}

/// Whether the figures of the page are what they should be.
fn stale(template: &str, page: &str) -> Vec<String> {
    let counted = Counted::read(&root()).unwrap();
    let again = "write it with `cargo xtask cost --page`";
    match figures(&counted, &Prices::read().unwrap(), template) {
        Ok(figures) if page.contains(&figures) => Vec::new(),
        Ok(_) => vec![format!("{PAGE} has other figures than the record, the price list and the template: {again}")],
        Err(error) => vec![format!("{error:#}")],
    }
}

#[test]
fn the_page_lists_every_type_of_the_template() {
    assert!(types(&read("template.yaml")).len() > 15);
    none(&unlisted(&read("template.yaml"), &read(PAGE)));
}

#[test]
fn the_figures_are_current() {
    none(&stale(&read("template.yaml"), &read(PAGE)));
}

#[test]
fn each_check_finds_what_it_is_for() {
    let (template, page) = (read("template.yaml"), read(PAGE));
    let with_key = template.replace("\nOutputs:\n", "\n  Key:\n    Type: AWS::KMS::Key\n\nOutputs:\n");
    found(&unlisted(&with_key, &page), "does not say what AWS::KMS::Key costs");
    found(&stale(&with_key, &page), "template.yaml has a AWS::KMS::Key");
    let with_alarm = template.replace("\nOutputs:\n", "\n  More:\n    Type: AWS::CloudWatch::Alarm\n\nOutputs:\n");
    found(&stale(&with_alarm, &page), "has other figures");
    found(&stale(&template, &page.replace("0.625 per million", "0.5 per million")), "has other figures");
}
