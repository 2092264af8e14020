//! What people decide: acknowledge, approve, reject, resolve, the brake, the ledger of changes.

use std::io::{IsTerminal, Write};

use anyhow::{anyhow, bail};
use incident::{MitigationRecord, Progress, Verb, is_incident_id};
use serde_json::json;

use crate::args::{Ack, Approve, Brake, Change, Declare, Reject, Resolve};
use crate::ask::ask;
use crate::cloud::Cloud;
use crate::report::{Report, line, second};

pub(crate) async fn acknowledge(cloud: &Cloud, what: &Ack) -> anyhow::Result<Report> {
    let id = checked(&what.id)?;
    ask(cloud, Verb::Acknowledge, Some(id), json!({}), what.wait).await
}

/// Shows what would change, asks whether that is meant, and approves exactly that.
pub(crate) async fn approve(cloud: &Cloud, what: &Approve, json: bool) -> anyhow::Result<Report> {
    let (id, n) = (checked(&what.id)?, what.n);
    let store = cloud.store()?;
    let incident = store.load(id).await.map_err(|e| cloud.explain(e))?;
    let record = store.mitigation(id, incident.opening, n).await.map_err(|e| cloud.explain(e))?;
    let record =
        record.ok_or_else(|| anyhow!("{id} has no mitigation {n} (yet); `tourniquet show {id}` lists them"))?;
    let shown = describe(&record);
    if record.progress == Progress::Planned && !what.yes {
        confirm(&shown, "Approve this", "an approval is confirmed by a person")?;
    }
    let args = json!({"n": n, "plan_sha256": record.plan_sha256});
    let mut report = ask(cloud, Verb::Approve, Some(id), args, what.wait).await?;
    if !json && what.yes {
        report.text = format!("{shown}\n{}", report.text);
    }
    Ok(report)
}

pub(crate) async fn reject(cloud: &Cloud, what: &Reject) -> anyhow::Result<Report> {
    let id = checked(&what.id)?;
    ask(cloud, Verb::Reject, Some(id), json!({"n": what.n, "reason": what.reason}), what.wait).await
}

pub(crate) async fn resolve(cloud: &Cloud, what: &Resolve) -> anyhow::Result<Report> {
    let id = checked(&what.id)?;
    ask(cloud, Verb::Resolve, Some(id), json!({"reason": what.reason}), what.wait).await
}

/// Makes an incident of what was told once.
pub(crate) async fn declare(cloud: &Cloud, what: &Declare) -> anyhow::Result<Report> {
    let args = json!({"signal_id": what.signal_id, "reason": what.reason, "severity": what.severity});
    ask(cloud, Verb::Declare, None, args, what.wait).await
}

pub(crate) async fn brake(cloud: &Cloud, what: &Brake) -> anyhow::Result<Report> {
    match what {
        Brake::On { reason, minutes, wait } => {
            ask(cloud, Verb::Brake, None, json!({"on": true, "reason": reason, "minutes": minutes}), *wait).await
        }
        Brake::Off { wait } => ask(cloud, Verb::Brake, None, json!({"on": false}), *wait).await,
    }
}

pub(crate) async fn change(cloud: &Cloud, what: &Change) -> anyhow::Result<Report> {
    let Change::Record { resource, version, good, at, wait } = what;
    let args = json!({"resource": resource, "version": version, "good": good, "at": at});
    ask(cloud, Verb::ChangeRecord, None, args, *wait).await
}

/// What would change, for the person who decides.
pub(crate) fn describe(record: &MitigationRecord) -> String {
    let value =
        |value: &Option<serde_json::Value>| value.as_ref().map_or("unknown".to_owned(), |v| line(&v.to_string()));
    format!(
        "Mitigation {} of {}: {}\n  kind     {}\n  target   {}\n  now      {}\n  then     {}\n  plan     {}\n  expires  {}",
        record.n,
        record.incident_id,
        line(&record.summary),
        record.kind,
        line(&record.target),
        value(&record.prior),
        value(&record.desired),
        record.plan_sha256,
        second(record.expires_at),
    )
}

/// A typo gets its sentence at once, and not after a wait.
pub(crate) fn checked(id: &str) -> anyhow::Result<&str> {
    if is_incident_id(id) {
        return Ok(id);
    }
    bail!(
        "`{}` is no incident id; one looks like inc-20261123-0123456789, and `tourniquet incidents` lists them",
        line(id)
    )
}

/// Asks a person whether that is meant; `who` says that only a person can be asked.
pub(crate) fn confirm(shown: &str, question: &str, who: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("{who}; say --yes where nobody can be asked");
    }
    write!(std::io::stderr(), "{shown}\n{question}? [y/N] ")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(anyhow!("not confirmed; nothing was asked for"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_said_at_once() {
        assert!(checked("inc-20261123-0123456789").is_ok());
        for id in ["", "inc-1", "INC-20261123-0123456789"] {
            assert!(checked(id).unwrap_err().to_string().contains("tourniquet incidents"), "{id}");
        }
    }

    #[test]
    fn an_approver_sees_what_changes() {
        let record: MitigationRecord = serde_json::from_value(json!({
            "v": 1, "incident_id": "inc-20261123-0123456789", "opening": 1, "n": 1, "choice": 0,
            "kind": "rollback-lambda-alias", "target": "arn:aws:lambda:eu-west-1:111122223333:function:checkout:live",
            "summary": "move checkout:live from 2 to 1", "prior": {"version": "2"}, "desired": {"version": "1"},
            "plan_sha256": "0123abcd", "progress": "planned", "planned_at": "2026-11-23T14:00:01Z",
            "expires_at": "2026-11-23T14:30:01Z",
        }))
        .unwrap();
        let shown = describe(&record);
        for part in
            ["move checkout:live from 2 to 1", "{\"version\":\"2\"}", "{\"version\":\"1\"}", "0123abcd", "14:30:01Z"]
        {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
