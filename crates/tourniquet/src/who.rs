//! Who would be told of a service's incidents, after how long, and why: the plans' word, read and not asked of AWS.

use std::collections::BTreeSet;

use anyhow::anyhow;
use incident::V;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use response_plan::{Config, EscalationStep, OwnerRule, ResponsePlan, Span, Team, nearest};
use serde_json::{Value, json};

use crate::args::Who;
use crate::plans;
use crate::report::{Report, counted, line, listing, second};

pub(crate) fn run(what: &Who) -> anyhow::Result<Report> {
    let config = match plans::read(&what.plans)? {
        Ok(config) => config,
        Err(errors) => return Ok(plans::wrong(&what.plans, &errors)),
    };
    let of: Vec<&ResponsePlan> = config.plans.iter().filter(|plan| plan.service == what.service).collect();
    let rules: Vec<&OwnerRule> = rules(&config).filter(|rule| rule.service.as_ref() == Some(&what.service)).collect();
    if of.is_empty() && rules.is_empty() {
        Ok(unknown(&config, &what.service))
    } else {
        told(&config, &of, &rules, what)
    }
}

/// The rules of owners.yaml, which own what no plan names an owner for.
fn rules(config: &Config) -> impl Iterator<Item = &OwnerRule> {
    config.owners.iter().flat_map(|owners| &owners.rules)
}

fn told(config: &Config, plans: &[&ResponsePlan], rules: &[&OwnerRule], what: &Who) -> anyhow::Result<Report> {
    let owners = plans.iter().map(|plan| plan.owner.as_str()).filter(|owner| !owner.is_empty());
    let owners: BTreeSet<&str> = owners.chain(rules.iter().map(|rule| rule.owner.as_str())).collect();
    let mut teams: Vec<(&Team, Vec<Told<'_>>)> = Vec::new();
    for owner in owners {
        let team = config.teams.get(owner).ok_or_else(|| anyhow!("there is no team `{owner}`"))?;
        teams.push((team, steps(&team.escalation, what.at)));
    }
    let object = json!({
        "v": V,
        "service": what.service,
        "at": what.at,
        "plans": plans.iter().map(|plan| plan_object(plan)).collect::<Vec<_>>(),
        "rules": rules.iter().map(|rule| rule_object(rule)).collect::<Vec<_>>(),
        "teams": teams.iter().map(|(team, steps)| json!({"team": team.name, "steps": steps_object(steps)}))
            .collect::<Vec<_>>(),
    });
    Ok(Report { objects: vec![object], text: text(plans, rules, &teams, what), ..Report::default() })
}

/// One step of an escalation.
struct Told<'a> {
    step: &'a EscalationStep,
    /// After the first page.
    after: Span,
    at: Option<Timestamp>,
}

/// Each step, after the waits of those before it; the first at once.
fn steps(escalation: &[EscalationStep], at: Option<Timestamp>) -> Vec<Told<'_>> {
    let mut waited = 0;
    let mut told = Vec::new();
    for step in escalation {
        let after = Span::seconds(waited);
        told.push(Told { step, after, at: at.and_then(|at| at.checked_add(after.signed()).ok()) });
        waited += step.wait.as_secs();
    }
    told
}

/// When nobody acknowledged to the end.
fn end(steps: &[Told<'_>]) -> Span {
    Span::seconds(steps.last().map_or(0, |last| last.after.as_secs() + last.step.wait.as_secs()))
}

fn plan_object(plan: &ResponsePlan) -> Value {
    json!({
        "plan": plan.plan, "type": plan.incident_type, "environment": said(&plan.environment), "severity": plan.severity,
        "engage": plan.engage, "owner": said(&plan.owner),
    })
}

/// What a plan says; `None` where it leaves it to tags and rules.
fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn rule_object(rule: &OwnerRule) -> Value {
    json!({"arn": rule.arn, "line": rule.line, "environment": rule.environment, "owner": rule.owner})
}

fn steps_object(steps: &[Told<'_>]) -> Value {
    let object = |Told { step, after, at }: &Told<'_>| {
        let contact = &step.contact;
        let channels = contact.channels.iter().map(|channel| json!({"kind": channel.kind, "wakes": channel.wakes}));
        json!({
            "contact": contact.name, "after": after, "at": at, "time_zone": contact.time_zone,
            "channels": channels.collect::<Vec<_>>(),
        })
    };
    let fallback = json!({"contact": null, "after": end(steps), "at": null, "time_zone": null, "channels": []});
    steps.iter().map(object).chain([fallback]).collect()
}

fn text(plans: &[&ResponsePlan], rules: &[&OwnerRule], teams: &[(&Team, Vec<Told<'_>>)], what: &Who) -> String {
    let row = |plan: &&ResponsePlan| {
        let severity = plan.severity.to_string();
        let open = |text: &String| said(text).unwrap_or("by tag or rule").to_owned();
        vec![plan.plan.clone(), open(&plan.environment), severity, open(&plan.owner)]
    };
    let rows: Vec<_> = plans.iter().map(row).collect();
    let mut text = String::new();
    if !plans.is_empty() {
        let count = counted(plans.len() as u64, "plan");
        text.push_str(&format!("{} is the service of {count}:\n\n", line(&what.service)));
        text.push_str(&listing(&["plan", "environment", "severity", "owner"], &rows));
    }
    if plans.iter().any(|plan| plan.owner.is_empty()) {
        text.push_str("\nWhere a plan names no owner, a tag of the resource does, else a rule of owners.yaml;\nelse the fallback topic is told.\n");
    }
    text.push_str(&by_rule(rules, text.is_empty(), &what.service));
    for (team, steps) in teams {
        text.push_str(&format!("\n{} is told, one after the other until someone acknowledges:\n\n", team.name));
        text.push_str(&escalation(steps, what.at.is_some()));
    }
    if what.at.is_some() {
        text.push_str("\nThere are no on-call schedules yet: the same contacts are told at any time.\n");
    }
    text
}

/// The rules that are for the service, which decide where neither plan nor tag does.
fn by_rule(rules: &[&OwnerRule], first: bool, service: &str) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let row = |rule: &&OwnerRule| {
        let environment = rule.environment.clone().unwrap_or_else(|| "-".to_owned());
        vec![rule.line.to_string(), environment, rule.owner.clone(), rule.arn.clone()]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    let before = if first { "" } else { "\n" };
    let count = counted(rules.len() as u64, "rule");
    let head = format!("{before}{} is the service of {count} of owners.yaml:\n\n", line(service));
    head + &listing(&["line", "environment", "owner", "resources"], &rows)
}

fn escalation(steps: &[Told<'_>], timed: bool) -> String {
    let row = |told: &Told<'_>| {
        let kinds = |wakes: bool| {
            let of = told.step.contact.channels.iter().filter(|channel| channel.wakes == wakes);
            let kinds = of.map(|channel| channel.kind.as_str()).collect::<Vec<_>>().join(", ");
            if kinds.is_empty() { "-".to_owned() } else { kinds }
        };
        let after = if told.after.as_secs() == 0 { "at once".to_owned() } else { told.after.to_string() };
        let mut row = vec![after, told.step.contact.name.clone(), kinds(true), kinds(false)];
        if let Some(at) = told.at.filter(|_| timed) {
            row.extend([local(at, told.step.contact.time_zone.as_deref()), second(at)]);
        }
        row
    };
    let mut rows: Vec<_> = steps.iter().map(row).collect();
    rows.push(vec![end(steps).to_string(), "the fallback topic".to_owned(), String::new(), String::new()]);
    let head = ["after", "contact", "woken by", "also told by", "their time", "UTC"];
    listing(&head[..if timed { 6 } else { 4 }], &rows)
}

/// A moment on the contact's own clock; nothing where they have no time zone, or one that nobody knows.
fn local(at: Timestamp, time_zone: Option<&str>) -> String {
    let zone = time_zone.and_then(|name| TimeZone::get(name).ok());
    zone.map_or("-".to_owned(), |zone| at.to_zoned_datetime(zone).strftime("%a %H:%M:%S %Z").to_string())
}

/// No plan is for the service. Its signals page all the same, unless a plan of another service takes them.
fn unknown(config: &Config, service: &str) -> Report {
    let plans = config.plans.iter().filter_map(|plan| said(&plan.service));
    let services: BTreeSet<&str> = plans.chain(rules(config).filter_map(|rule| rule.service.as_deref())).collect();
    let near = nearest(service, services.iter().copied());
    let known = services.iter().copied().collect::<Vec<_>>().join(", ");
    let remedy = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if services.is_empty() => "there are no plans in the folder".to_owned(),
        None => format!("there are plans for {known}"),
    };
    let text = format!(
        "No plan is for the service `{}`; {remedy}\nWhat no plan matches goes to its owner by tag or rule, else to the fallback topic, as SEV3.\n",
        line(service)
    );
    let object = json!({
        "v": V, "service": service, "plans": [], "teams": [], "nearest": near,
        "services": services,
    });
    Report { objects: vec![object], text, wrong: true, ..Report::default() }
}

#[cfg(test)]
mod tests;
