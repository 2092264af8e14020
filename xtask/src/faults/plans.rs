//! The plans of a run: one a story, with waits that fit into it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::history::{History, Story};
use crate::plans;

const TEAMS: &str = "\
contacts:
  first:
    sns: { topic: tourniquet-pages }
    slack: { channel: C0FAULTS, token: tourniquet/slack }
  second:
    sns: { topic: tourniquet-pages }
teams:
  faults:
    escalation:
      - { contact: first, wait: 5s }
      - { contact: second, wait: 3s }
";

/// The plan of a service in the runs of kills.
const PLAN: &str = "\
plan: NAME
type: faults
match:
  source: [aws.cloudwatch]
  detail-type: [CloudWatch Alarm State Change]
  detail: { alarmName: [{ prefix: NAME- }] }
service: NAME
environment: test
customer_facing: true
owner: faults
severity: { default: SEV2 }
engage: page
mode: act
mitigations:
  - rollback-lambda-alias: { function: NAME, alias: live }
    approval: owner
    guards: { change_within: 60m, max_targets: 1 }
    healthy_when: { metric: { namespace: Faults, name: NAME-orders }, at_least: 1, datapoints: 2, period: 5s }
    verify_within: 45s
recovery: { by: signal, held_for: 3s }
evidence: { before: 5m, log_groups: [/aws/lambda/NAME] }
";

/// Writes the plans of a history below `into`, and returns their folder.
pub(super) fn write(history: &History, into: &Path) -> Result<PathBuf> {
    plans::write(into, TEAMS, history.stories.iter().map(|story| (story.plan.clone(), plan(story))))
}

/// Writes a plan for each of these services, with a mitigation that has to prove itself.
pub(super) fn write_services(names: &[String], into: &Path) -> Result<PathBuf> {
    // Nobody waits so long for an answer: it comes, or the story is about something else.
    let teams = TEAMS.replace("wait: 5s", "wait: 10m").replace("wait: 3s", "wait: 10m");
    plans::write(into, &teams, names.iter().map(|name| (name.clone(), PLAN.replace("NAME", name))))
}

fn plan(story: &Story) -> String {
    let name = &story.plan;
    let (mode, mitigations, held_for) = if story.has_service {
        let rollback = format!(
            "mitigations:\n  - rollback-lambda-alias: {{ function: {name}, alias: live }}\n    approval: owner\n    \
             guards: {{ change_within: 60m, max_targets: 1 }}\n    healthy_when: {{ metric: {{ namespace: Faults, \
             name: {name}-orders }}, at_least: 1, datapoints: 1, period: 5s }}\n    verify_within: 1m\n"
        );
        // Long enough to be seen as mitigated before it is resolved.
        ("act", rollback, "12s")
    } else {
        ("observe", String::new(), "2s")
    };
    format!(
        "plan: {name}\ntype: faults\nmatch:\n  source: [aws.cloudwatch]\n  \
         detail-type: [CloudWatch Alarm State Change]\n  detail: {{ alarmName: [{{ prefix: {name}- }}] }}\n\
         service: {name}\nenvironment: test\ncustomer_facing: true\nowner: faults\nseverity: {{ default: SEV2 }}\n\
         engage: page\nmode: {mode}\n{mitigations}recovery: {{ by: signal, held_for: {held_for} }}\n\
         evidence: {{ before: 5m, log_groups: [/aws/lambda/{name}] }}\n"
    )
}
