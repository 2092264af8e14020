//! The plans of a run: one a story, with waits that fit into it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::history::{History, Story};

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

/// Writes the plans of a history below `into`, and returns their folder.
pub(super) fn write(history: &History, into: &Path) -> Result<PathBuf> {
    let folder = into.join("plans");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("Failed to empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    fs::write(folder.join("teams.yaml"), TEAMS)?;
    for story in &history.stories {
        let path = folder.join(format!("{}.yaml", story.plan));
        fs::write(&path, plan(story)).with_context(|| format!("Failed to write {}", path.display()))?;
    }
    Ok(folder)
}

fn plan(story: &Story) -> String {
    let name = &story.plan;
    let (mode, mitigations) = if story.has_service {
        let rollback = format!(
            "mitigations:\n  - rollback-lambda-alias: {{ function: {name}, alias: live }}\n    approval: owner\n    \
             guards: {{ change_within: 60m, max_targets: 1 }}\n    verify_within: 1m\n"
        );
        ("act", rollback)
    } else {
        ("observe", String::new())
    };
    format!(
        "plan: {name}\ntype: faults\nmatch:\n  source: [aws.cloudwatch]\n  \
         detail-type: [CloudWatch Alarm State Change]\n  detail: {{ alarmName: [{{ prefix: {name}- }}] }}\n\
         service: {name}\nenvironment: test\ncustomer_facing: true\nowner: faults\nseverity: {{ default: SEV2 }}\n\
         engage: page\nmode: {mode}\n{mitigations}recovery: {{ by: signal, held_for: 2s }}\n\
         evidence: {{ before: 5m, log_groups: [/aws/lambda/{name}] }}\n"
    )
}
