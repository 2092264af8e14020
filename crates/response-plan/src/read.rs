//! A folder of plans: `*.yaml`, one plan a file, `teams.yaml`, and `owners.yaml` and `mutes.yaml` where there are any.

use std::collections::BTreeMap;
use std::path::Path;

use serde_saphyr::Location;

use crate::error::{PlanError, PlanErrors, Report};
use crate::kind::Kinds;
use crate::mutes::RecurringMute;
use crate::mutes_file::{self, MutesWire};
use crate::owners::{Owners, OwnersWire, owners};
use crate::plan::{ResponsePlan, Team};
use crate::storm::{self, StormRule};
use crate::wire::{PlanWire, TeamsWire};
use crate::{convert, teams, yaml};

/// The file among the plans that says who is told.
pub const TEAMS_FILE: &str = "teams.yaml";

/// The file among the plans that says whose a resource is; it need not be there.
pub const OWNERS_FILE: &str = "owners.yaml";

/// The file beside the plans that says what is muted again and again; it may be left out.
pub const MUTES_FILE: &str = "mutes.yaml";

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, for messages; the last part of it tells the files beside the plans from the plans.
    pub file: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All plans and teams, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// By name.
    pub plans: Vec<ResponsePlan>,
    /// By name; every owner of a plan is here.
    pub teams: BTreeMap<String, Team>,
    /// `owners.yaml`, where there is one.
    pub owners: Option<Owners>,
    /// What is muted again and again, by name.
    pub mutes: Vec<RecurringMute>,
    /// When many new incidents are a storm, where `teams.yaml` says so.
    pub storm: Option<StormRule>,
}

/// Reads a folder, for a release that knows these kinds. The error lists what is wrong in all of its files, and each entry says what to do; nothing is to be
/// built or deployed from such a folder.
pub fn read_dir(dir: &Path, kinds: &Kinds<'_>) -> Result<Config, PlanErrors> {
    let at_fault = |path: &Path, what: &str, remedy: &str| {
        let file = path.display().to_string();
        let mut report = Report::new(&file, "");
        report.add(Location::UNKNOWN, what, remedy);
        PlanErrors(report.errors)
    };
    let unreadable = |error: std::io::Error| {
        at_fault(dir, &format!("the folder cannot be read ({error})"), "name the folder that holds the plans")
    };
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if !yaml || path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(&path)
            .map_err(|error| at_fault(&path, &format!("the file cannot be read ({error})"), "make it readable"))?;
        sources.push(Source { file: path.display().to_string(), bytes });
    }
    sources.sort_by(|a, b| a.file.cmp(&b.file));
    if !sources.iter().any(is_teams) {
        let path = dir.join(TEAMS_FILE);
        let remedy = "write who is told, and how: each plan's owner is a team in it";
        return Err(at_fault(&path, "there is no teams.yaml", remedy));
    }
    read(&sources, kinds)
}

/// The same for files that are in memory. Where there is no `teams.yaml` among them, no plan has an owner.
pub fn read(sources: &[Source], kinds: &Kinds<'_>) -> Result<Config, PlanErrors> {
    let mut errors = Vec::new();
    let mut teams = Some(BTreeMap::new());
    let mut storm = None;
    for source in sources.iter().filter(|source| is_teams(source)) {
        teams = with_report(source, &mut errors, |report| {
            let wire: TeamsWire = yaml::parse(report)?;
            let teams = teams::teams(report, &wire, kinds.channels)?;
            storm = wire.storm.and_then(|written| storm::read(report, &written, &teams));
            Some(teams)
        });
    }
    let mut found = None;
    for source in sources.iter().filter(|source| is_owners(source)) {
        found = with_report(source, &mut errors, |report| {
            let wire: OwnersWire = yaml::parse(report)?;
            owners(report, &wire, teams.as_ref())
        });
    }
    let mut plans: BTreeMap<String, (ResponsePlan, &str)> = BTreeMap::new();
    for source in sources.iter().filter(|source| !is_teams(source) && !is_owners(source) && !is_mutes(source)) {
        let plan = with_report(source, &mut errors, |report| {
            check_file_name(report);
            let wire: PlanWire = yaml::parse(report)?;
            let at = wire.plan.referenced;
            let plan = convert::plan(report, wire, teams.as_ref(), kinds)?;
            if let Some((_, other)) = plans.get(&plan.plan) {
                let message = format!("`{}` is also the name of the plan in {other}", plan.plan);
                report.add(at, message, "give each plan its own name");
            }
            Some(plan)
        });
        if let Some(plan) = plan {
            plans.entry(plan.plan.clone()).or_insert((plan, &source.file));
        }
    }
    let mutes = read_mutes(sources, &plans, &mut errors);
    match teams {
        Some(teams) if errors.is_empty() => {
            let plans = plans.into_values().map(|(plan, _)| plan).collect();
            Ok(Config { plans, teams, owners: found, mutes, storm })
        }
        _ => {
            errors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            Err(PlanErrors(errors))
        }
    }
}

/// The mutes are read last: what they are for is looked up among the plans, unless one of these is wrong.
fn read_mutes(
    sources: &[Source],
    plans: &BTreeMap<String, (ResponsePlan, &str)>,
    errors: &mut Vec<PlanError>,
) -> Vec<RecurringMute> {
    let known: Option<Vec<&ResponsePlan>> = errors.is_empty().then(|| plans.values().map(|(plan, _)| plan).collect());
    let files = sources.iter().filter(|source| is_mutes(source));
    let read = files.filter_map(|source| {
        with_report(source, errors, |report| {
            let wire: MutesWire = yaml::parse(report)?;
            mutes_file::mutes(report, &wire, known.as_deref())
        })
    });
    read.flatten().collect()
}

fn is_mutes(source: &Source) -> bool {
    file_name(&source.file) == MUTES_FILE
}

fn is_teams(source: &Source) -> bool {
    file_name(&source.file) == TEAMS_FILE
}

fn is_owners(source: &Source) -> bool {
    file_name(&source.file) == OWNERS_FILE
}

fn file_name(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// Files that would be misread, or left out, by their names.
fn check_file_name(report: &mut Report<'_>) {
    let name = file_name(report.file);
    if name == "schedules.yaml" {
        report.add(Location::UNKNOWN, format!("`{name}` is not supported yet"), "remove it");
    } else if !name.ends_with(".yaml") {
        report.add(Location::UNKNOWN, "plans are files that end in .yaml", "rename it");
    }
}

fn with_report<T>(
    source: &Source,
    errors: &mut Vec<PlanError>,
    read: impl FnOnce(&mut Report<'_>) -> Option<T>,
) -> Option<T> {
    let text = String::from_utf8_lossy(&source.bytes);
    let mut report = Report::new(&source.file, &text);
    let result = match std::str::from_utf8(&source.bytes) {
        Ok(_) => read(&mut report),
        Err(_) => {
            report.add(Location::UNKNOWN, "the file is not UTF-8", "save it as UTF-8");
            None
        }
    };
    errors.append(&mut report.errors);
    result
}
