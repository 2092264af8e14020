//! `docs/invocations.md` is true: whatever invokes a function stands in its table, and every test that it names is there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::repository::{found, functions, machines, none, read, resources, root, template};

const PAGE: &str = "docs/invocations.md";

/// The cells of a column of the page's one table.
fn column<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let mut rows = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    let at = rows.next().and_then(|head| head.iter().position(|cell| *cell == name));
    let at = at.unwrap_or_else(|| panic!("{PAGE} has no column `{name}`"));
    rows.skip(1).map(|cells| cells.get(at).copied().unwrap_or_default()).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whatever invokes a function: its events, what may invoke it by a permission of its own, its destination, and tasks.
fn triggers(template: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, function) in functions(template) {
        all.insert(name.to_owned());
        let events = function["Events"].as_object().into_iter().flatten();
        all.extend(events.map(|(event, _)| format!("{name}.{event}")));
        for way in ["EventInvokeConfig", "FunctionUrlConfig"] {
            all.extend(function.get(way).map(|_| format!("{name}.{way}")));
        }
    }
    for kind in ["AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Url"] {
        all.extend(resources(template, kind).keys().map(|name| (*name).to_owned()));
    }
    let machines = machines(template).into_iter();
    let calls = |task: &Value| task["Resource"].as_str().is_some_and(|to| to.ends_with(":::lambda:invoke"));
    all.extend(machines.filter(|machine| machine.tasks().any(|(_, task)| calls(task))).map(|machine| machine.name));
    all
}

/// The rules that sources declare stand in the table under the name of their registry: each source's page says the rest.
fn declared() -> impl Iterator<Item = String> {
    signal::SOURCES.iter().flat_map(|source| source.rules).map(|rule| format!("TriageFunction.{}", rule.event))
}

/// What the table leaves out, and what it names that is not there.
fn ways(page: &str, template: &Value) -> Vec<String> {
    let cells = [column(page, "who uses it"), column(page, "what it reaches")].concat();
    let named: BTreeSet<&str> = cells.iter().flat_map(|cell| quoted(cell)).collect();
    let wanted = triggers(template);
    let declared: BTreeSet<String> = declared().filter(|_| named.contains("signal::SOURCES")).collect();
    let left_out = wanted.iter().filter(|name| !named.contains(name.as_str()) && !declared.contains(*name));
    let left_out = left_out.map(|name| format!("{PAGE}: {name} is in no row; say what it is for, and who shows it"));
    let ids = |name: &&&str| name.starts_with(char::is_uppercase);
    let gone = named.iter().filter(ids).filter(|name| {
        let id = name.split('.').next().unwrap_or_default();
        if name.contains('.') { !wanted.contains(**name) } else { template["Resources"].get(id).is_none() }
    });
    left_out.chain(gone.map(|name| format!("{PAGE}: {name} is not in the template"))).collect()
}

/// Rows without a test, and tests that are not there.
fn tests(page: &str, source: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for cell in column(page, "shown by") {
        if quoted(cell).is_empty() {
            problems.push(format!("{PAGE}: nothing shows a row"));
        }
    }
    let named = quoted(page).into_iter().filter_map(|name| name.split_once("::"));
    let named = named.filter(|(_, test)| !test.starts_with(char::is_uppercase));
    for (file, test) in named {
        let source = source(&format!("tests/{file}.rs")).unwrap_or_default();
        if !source.contains(&format!("async fn {test}(")) {
            problems.push(format!("{PAGE}: there is no test {test} in tests/{file}.rs"));
        }
    }
    problems
}

/// Files that a command line names and that are not there.
fn files(page: &str) -> Vec<String> {
    let words = column(page, "try it").into_iter().flat_map(str::split_whitespace);
    let named = words.map(|word| word.trim_matches(['`', ',', '"', ')']));
    let paths = named.filter_map(|word| word.strip_prefix("file://").or(word.starts_with("events/").then_some(word)));
    let gone = paths.filter(|path| !root().join(path).is_file());
    gone.map(|path| format!("{PAGE}: {path} is not there")).collect()
}

fn source(path: &str) -> Option<String> {
    root().join(path).is_file().then(|| read(path))
}

#[test]
fn every_way_in_stands_in_the_table() {
    none(&ways(&read(PAGE), &template()));
}

#[test]
fn every_row_is_shown_by_a_test_that_is_there() {
    none(&tests(&read(PAGE), source));
}

#[test]
fn every_row_can_be_tried() {
    let page = read(PAGE);
    none(&files(&page));
    assert!(column(&page, "try it").iter().all(|cell| !quoted(cell).is_empty()));
}

#[test]
fn each_check_finds_what_it_is_for() {
    let (page, template) = (read(PAGE), template());
    let mut more = template.clone();
    more["Resources"]["TriageFunction"]["Properties"]["Events"]["Pipe"] = json!({"Type": "SQS"});
    more["Resources"]["NotifyFunction"]["Properties"]["FunctionUrlConfig"] = json!({"AuthType": "NONE"});
    found(&ways(&page, &more), "TriageFunction.Pipe is in no row");
    found(&ways(&page, &more), "NotifyFunction.FunctionUrlConfig is in no row");
    let rule = declared().find(|name| !page.contains(&format!("`{name}`"))).unwrap();
    more["Resources"]["TriageFunction"]["Properties"]["Events"][rule.split_once('.').unwrap().1] = json!({});
    assert!(!ways(&page, &more).iter().any(|problem| problem.contains(&rule)));
    found(&ways(&page.replace("`signal::SOURCES`", ""), &more), &format!("{rule} is in no row"));
    let mut less = template.clone();
    less["Resources"]["SweepFunction"]["Properties"]["Events"] = json!({});
    found(&ways(&page, &less), "SweepFunction.EveryMinute is not in the template");
    found(
        &ways(&page.replace("`AlarmsMayInvokeTriage`", "`AlarmsMay`"), &template),
        "AlarmsMayInvokeTriage is in no row",
    );
    found(&ways(&page.replace("`AlarmsMayInvokeTriage`", "`AlarmsMay`"), &template), "AlarmsMay is not in the");
    found(&ways(&page.replace("`Mitigate`", "`mitigate`"), &template), "Mitigate is in no row");

    let shown = "`invocations::schedule_lets_sweep_start_what_is_missing`";
    found(
        &tests(&page.replace(shown, "`invocations::sweep_sleeps`"), source),
        "no test sweep_sleeps in tests/invocations",
    );
    found(&tests(&page.replace("`cargo xtask sam-local` |", "|"), source), "nothing shows a row");
    found(&files(&page.replace("5-capture-evidence-warm", "5-gone")), "5-gone.json is not there");
}
