//! Response plans: checked, compiled, described by a schema, and loaded for offline use.

use std::path::Path;

use anyhow::{Context, bail};
use incident::V;
use response_plan::{Compiled, Config, Kinds, PlanErrors, Plans, compile, read_dir};
use response_plan::{mutes_schema, owners_schema, plan_schema, teams_schema};
use serde_json::{Value, json};

use crate::args;
use crate::report::Report;
use crate::who;

/// Offline nobody is paged, so that the catch-all's topic is only a name.
const NO_TOPIC: &str = "fallback";

pub(crate) fn run(what: &args::Plans) -> anyhow::Result<Report> {
    match what {
        args::Plans::Check { dir } => Ok(match read(dir)? {
            Ok(config) => checked(dir, &config),
            Err(errors) => wrong(dir, &errors),
        }),
        args::Plans::Build { dir, output } => match read(dir)? {
            Ok(config) => build(dir, &config, output),
            Err(errors) => Ok(wrong(dir, &errors)),
        },
        args::Plans::Schema { owners: true, .. } => schema(&owners_schema()),
        args::Plans::Schema { mutes: true, .. } => schema(&mutes_schema()),
        args::Plans::Schema { teams, .. } => schema(&with_kinds(if *teams { teams_schema } else { plan_schema })),
        args::Plans::Who(what) => who::run(what),
    }
}

/// The plans of a folder, or of a compiled file.
pub(crate) fn load(path: &Path) -> anyhow::Result<Plans> {
    if path.is_file() {
        let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        return Ok(Plans::load(&bytes, NO_TOPIC)?);
    }
    Ok(Plans::load(&compile(&read(path)??, step::VERSION).bytes, NO_TOPIC)?)
}

/// No plans: the catch-all alone.
pub(crate) fn none() -> Plans {
    Plans::empty(NO_TOPIC)
}

/// A folder that is not there is wrong usage; what is wrong in it is for the one who writes the plans.
pub(crate) fn read(dir: &Path) -> anyhow::Result<Result<Config, PlanErrors>> {
    if !dir.is_dir() {
        bail!("{} is no folder; name the one that holds teams.yaml and the response plans", dir.display());
    }
    Ok(with_kinds(|kinds| read_dir(dir, kinds)))
}

/// The kinds of this release.
fn with_kinds<T>(then: impl FnOnce(&Kinds<'_>) -> T) -> T {
    let mitigations = remediate::KINDS.map(|kind| &kind.plan);
    let channels = notify::KINDS.map(|kind| &kind.plan);
    let collectors = capture_evidence::KINDS.map(|kind| &kind.plan);
    then(&Kinds { mitigations: &mitigations, channels: &channels, collectors: &collectors })
}

/// The schema by which editors complete and explain: the text is what is committed in `docs`.
fn schema(schema: &Value) -> anyhow::Result<Report> {
    let text = serde_json::to_string_pretty(schema)? + "\n";
    Ok(Report { objects: vec![json!({"v": V, "schema": schema})], text, ..Report::default() })
}

fn checked(dir: &Path, config: &Config) -> Report {
    let names: Vec<&str> = config.plans.iter().map(|plan| plan.plan.as_str()).collect();
    let teams: Vec<&String> = config.teams.keys().collect();
    let Compiled { config_sha256, .. } = compile(config, step::VERSION);
    let rules =
        config.owners.as_ref().map_or(String::new(), |owners| format!(" {} rules of owners,", owners.rules.len()));
    let mutes: Vec<&str> = config.mutes.iter().map(|mute| mute.name.as_str()).collect();
    let counted = if mutes.is_empty() { String::new() } else { format!(" {} mutes,", mutes.len()) };
    let (names_of, teams_of) = (names.len(), teams.len());
    let text = format!("{}: {names_of} plans, {teams_of} teams,{rules}{counted} nothing wrong\n", dir.display());
    let object = json!({
        "v": V, "dir": dir.display().to_string(), "plans": names, "teams": teams, "mutes": mutes,
        "config_sha256": config_sha256, "errors": [],
    });
    Report { objects: vec![object], text, ..Report::default() }
}

pub(crate) fn wrong(dir: &Path, errors: &PlanErrors) -> Report {
    let object = json!({"v": V, "dir": dir.display().to_string(), "errors": errors});
    Report { objects: vec![object], text: format!("{errors}\n"), wrong: true, ..Report::default() }
}

fn build(dir: &Path, config: &Config, output: &Path) -> anyhow::Result<Report> {
    let Compiled { bytes, config_sha256 } = compile(config, step::VERSION);
    let unwritten = || format!("{} cannot be written; check that you may write to its folder", output.display());
    if let Some(folder) = output.parent() {
        std::fs::create_dir_all(folder).with_context(unwritten)?;
    }
    // Written aside and moved, so that nobody reads half of it.
    let mut aside = output.as_os_str().to_owned();
    aside.push(".part");
    std::fs::write(&aside, &bytes).with_context(unwritten)?;
    std::fs::rename(&aside, output).with_context(unwritten)?;
    let plans = config.plans.len();
    let text = format!("{}: {plans} plans, {} bytes, {config_sha256}\n", output.display(), bytes.len());
    let object = json!({
        "v": V, "dir": dir.display().to_string(), "file": output.display().to_string(), "plans": plans,
        "config_sha256": config_sha256,
    });
    Ok(Report { objects: vec![object], text, ..Report::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/triage/plans");

    #[test]
    fn plans_are_checked_and_built() {
        let root = tempfile::tempdir().unwrap();
        let output = root.path().join("target/plans/plans.json");
        let report = run(&args::Plans::Build { dir: PLANS.into(), output: output.clone() }).unwrap();
        assert_eq!((report.wrong, &report.objects[0]["plans"]), (false, &json!(1)));
        let built = load(&output).unwrap();
        assert_eq!(built.names().collect::<Vec<_>>(), ["checkout-errors"]);
        assert_eq!(built.config_sha256, report.objects[0]["config_sha256"]);
        let report = run(&args::Plans::Check { dir: PLANS.into() }).unwrap();
        assert_eq!((report.wrong, &report.objects[0]["config_sha256"]), (false, &json!(built.config_sha256)));
    }

    #[test]
    fn a_typo_is_found_and_nothing_is_built() {
        let root = tempfile::tempdir().unwrap();
        std::fs::copy(format!("{PLANS}/teams.yaml"), root.path().join("teams.yaml")).unwrap();
        let plan = std::fs::read_to_string(format!("{PLANS}/checkout.yaml")).unwrap().replace("owner:", "onwer:");
        std::fs::write(root.path().join("checkout.yaml"), plan).unwrap();
        let output = root.path().join("plans.json");
        let report = run(&args::Plans::Build { dir: root.path().into(), output: output.clone() }).unwrap();
        assert!(report.wrong && !output.exists());
        assert!(report.text.contains("checkout.yaml:10:1"), "{}", report.text);
        assert!(report.objects[0]["errors"][0]["remedy"].is_string());
    }

    #[test]
    fn the_committed_schemas_are_current() {
        for (teams, owners, mutes, name, option) in [
            (false, false, false, "response-plan", ""),
            (true, false, false, "teams", " --teams"),
            (false, true, false, "owners", " --owners"),
            (false, false, true, "mutes", " --mutes"),
        ] {
            let file = format!("docs/{name}.schema.json");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&file);
            let report = run(&args::Plans::Schema { teams, owners, mutes }).unwrap();
            let committed = std::fs::read_to_string(path).unwrap_or_default();
            assert!(committed == report.text, "{file} is not current: tourniquet plans schema{option} > {file}");
            assert_eq!(report.objects[0]["schema"], serde_json::from_str::<Value>(&committed).unwrap());
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_wrong_usage() {
        let missing = std::path::PathBuf::from("nowhere");
        let error = run(&args::Plans::Check { dir: missing }).unwrap_err().to_string();
        assert!(error.contains("teams.yaml"), "{error}");
    }
}
