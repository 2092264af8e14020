//! All that is known of one incident.

use incident::{Entry, Incident, Measures, MitigationRecord, Progress, StormMember, V};
use incident_store::SentPage;
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::in_force;
use crate::people::describe;
use crate::report::{Report, line, listing, second, table};
use crate::storm;

pub(crate) async fn run(cloud: &Cloud, id: &str) -> anyhow::Result<Report> {
    let store = cloud.store()?;
    let incident = store.load(id).await.map_err(|e| cloud.explain(e))?;
    let known = Known {
        timeline: store.timeline(id).await.map_err(|e| cloud.explain(e))?,
        mitigations: store.mitigations(id, incident.opening).await.map_err(|e| cloud.explain(e))?,
        pages: store.pages(id).await.map_err(|e| cloud.explain(e))?,
        members: store.storm_members(id, None, None).await.map_err(|e| cloud.explain(e))?,
        incident,
    };
    Ok(Report { objects: vec![known.object()?], text: known.text(), ..Report::default() })
}

struct Known {
    incident: Incident,
    timeline: Vec<Entry>,
    mitigations: Vec<MitigationRecord>,
    pages: Vec<SentPage>,
    /// What was told with it, where it stands for a storm.
    members: Vec<StormMember>,
}

impl Known {
    fn measures(&self) -> Measures {
        Measures::of(&self.incident, &self.mitigations)
    }

    fn object(&self) -> anyhow::Result<Value> {
        let mut incident = serde_json::to_value(&self.incident)?;
        let mut mitigations = serde_json::to_value(&self.mitigations)?;
        // Whoever has a task token can complete the wait that it stands for.
        forget(&mut incident, "recovery_token");
        for record in mitigations.as_array_mut().into_iter().flatten() {
            forget(record, "approval_token");
            forget(record, "put_back_token");
        }
        let pages: Vec<Value> = self.pages.iter().map(page).collect();
        Ok(json!({
            "v": V, "incident": incident, "timeline": self.timeline, "mitigations": mitigations, "pages": pages,
            "measures": self.measures(), "members": self.members.iter().map(storm::member).collect::<Vec<_>>(),
        }))
    }

    fn text(&self) -> String {
        let mut text = self.head();
        for record in &self.mitigations {
            text.push_str(&format!("\n{}\n  stands   {}\n", describe(record), standing(record)));
            if let Some(in_force) = in_force::standing(record) {
                text.push_str(&format!("  world    {in_force}\n"));
            }
        }
        text.push_str(&storm::text(&self.members));
        let entries: Vec<_> =
            self.timeline.iter().map(|e| vec![second(e.at), e.step.clone(), e.what.clone()]).collect();
        text.push_str(&format!("\nTimeline\n{}", listing(&["when", "step", "what"], &entries)));
        if !self.pages.is_empty() {
            text.push_str(&format!(
                "\nPages\n{}",
                table(&["claimed", "step", "contact", "channel", "accepted"], &self.page_rows())
            ));
        }
        let measures = self.measures();
        let measures: Vec<_> = measures
            .each()
            .iter()
            .map(|(word, meaning, measure)| {
                let took = measure.seconds.map(|seconds| format!("{seconds:.1} s"));
                let took = took.or_else(|| Some(format!("unknown: {}", measure.reason.as_deref()?)));
                vec![(*word).to_owned(), (*meaning).to_owned(), took.unwrap_or_default()]
            })
            .collect();
        text.push_str(&format!("\nMeasures\n{}", listing(&["", "", ""], &measures)));
        text
    }

    fn head(&self) -> String {
        let (incident, opened, plan) = (&self.incident, &self.incident.opened, self.incident.plan());
        let drill = if opened.drill { "DRILL " } else { "" };
        let mut rows = vec![
            vec!["opened".to_owned(), second(opened.opened_at)],
            vec!["service".to_owned(), format!("{} ({}), owned by {}", plan.service, plan.environment, plan.owner)],
            vec!["plan".to_owned(), format!("{}, opening {}, run {}", plan.plan, incident.opening, incident.run)],
        ];
        let mut row = |name: &str, value: Option<String>| rows.extend(value.map(|value| vec![name.to_owned(), value]));
        row("degraded", opened.degraded.clone());
        row("look at it", opened.signal.link.clone());
        row("runbook", plan.runbook.clone());
        incident.firing.iter().for_each(|fingerprint| row("fires", Some(fingerprint.clone())));
        row(
            "clear",
            incident.clear_since.filter(|_| incident.firing.is_empty()).map(|at| format!("since {}", second(at))),
        );
        let who = incident.acknowledged_by.clone().zip(incident.acknowledged_at);
        row(
            "acknowledged",
            Some(who.map_or("by nobody".to_owned(), |(who, at)| format!("by {who} at {}", second(at)))),
        );
        let by = incident.resolved_by.as_deref().unwrap_or("the clear period");
        row("resolved", incident.resolved_at.map(|at| format!("by {by} at {}", second(at))));
        row("because", incident.resolved_reason.clone());
        for pass in &incident.evidence {
            row("evidence", Some(format!("{}: {} files, {} gaps", pass.prefix, pass.files, pass.gaps)));
        }
        row("postmortem", incident.postmortem.as_ref().map(|keys| keys.html.clone()));
        let title = format!("{drill}{} {} {}", incident.id(), incident.severity, incident.status);
        format!("{title}: {}\n{}", line(&opened.title), listing(&["", ""], &rows))
    }

    fn page_rows(&self) -> Vec<Vec<String>> {
        let row = |page: &SentPage| {
            let accepted = page.sent_at.map_or("not known to be".to_owned(), second);
            let key = &page.key;
            vec![second(page.claimed_at), key.step.to_string(), key.contact.clone(), key.channel.clone(), accepted]
        };
        self.pages.iter().map(row).collect()
    }
}

fn page(page: &SentPage) -> Value {
    let key = &page.key;
    json!({
        "opening": key.opening, "engagement": key.engagement, "step": key.step, "contact": key.contact,
        "channel": key.channel, "claimed_at": page.claimed_at, "sent_at": page.sent_at, "reference": page.reference,
    })
}

fn standing(record: &MitigationRecord) -> String {
    let by = record.decided_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let why = record.reason.as_deref().map(|reason| format!(": {}", line(reason))).unwrap_or_default();
    match (record.progress, record.outcome) {
        (Progress::Planned, _) => format!("planned; tourniquet approve {} --n {}", record.incident_id, record.n),
        (_, Some(outcome)) => format!("{outcome}{why}"),
        (Progress::Approved, None) => format!("approved{by}"),
        (progress, None) => format!("{}{by}{why}", progress.as_str()),
    }
}

fn forget(record: &mut Value, name: &str) {
    if let Some(fields) = record.as_object_mut() {
        fields.remove(name);
    }
}
