//! `target/local/template.yaml`: the shipped template with paths to what was built, as `sam build` writes one.
//!
//! It is rewritten line by line, since that leaves comments, order and the short tags of `CloudFormation` (`!Ref`, `!Sub`)
//! exactly as they are.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::{tools::finished, workspace::Workspace};

/// The properties that name a path in the checkout.
const PATHS: [&str; 3] = ["CodeUri", "ContentUri", "DefinitionUri"];

/// Writes `target/local/template.yaml`. Fails on a path that it cannot
/// place, with the line and the remedy.
pub fn write(workspace: &Workspace) -> Result<()> {
    let shipped = read(workspace)?;
    let local = rewrite(&shipped, workspace.root(), &workspace.functions())?;
    let path = workspace.local_template();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("Failed to create {}", folder.display()))?;
    }
    write_whole(&path, local.as_bytes())
}

/// Writes a file that stacks share: another one that is deployed at this moment reads the old text or the new one, and
/// nothing in between.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let partial = path.with_added_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, content).with_context(|| format!("Failed to write {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("Failed to write {}", path.display()))
}

/// Writes anew the parts of the shipped template that the registries declare. The contract test that judges them writes
/// them, since it knows the crates that declare.
pub fn write_registries(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--profile", "local", "--package", "blackbox", "--test", "contracts", "registry::"]);
    finished(cargo.env("TOURNIQUET_WRITE_TEMPLATE", "1")).map(drop)
}

/// The shipped template's text.
pub fn read(workspace: &Workspace) -> Result<String> {
    let path = workspace.template();
    fs::read_to_string(&path).with_context(|| format!("Failed to read {}", path.display()))
}

/// The crates that the template's functions are built from, in its order, each once.
pub fn function_crates(template: &str) -> Result<Vec<String>> {
    let mut crates = Vec::new();
    for (number, line) in (1..).zip(template.lines()) {
        if let Some(property) = Property::read(line, number)?
            && property.name == "CodeUri"
        {
            let name = crate_name(property.value, number)?;
            if !crates.iter().any(|known| known == name) {
                crates.push(name.to_owned());
            }
        }
    }
    Ok(crates)
}

/// The template with each `CodeUri: crates/x/` pointing to `<functions>/x.zip`, and the other paths made absolute.
pub fn rewrite(template: &str, root: &Path, functions: &Path) -> Result<String> {
    let mut local = String::with_capacity(template.len() + 1024);
    for (number, line) in (1..).zip(template.split_inclusive('\n')) {
        match Property::read(line, number)? {
            Some(property) => {
                let path = match property.name {
                    "CodeUri" => functions.join(format!("{}.zip", crate_name(property.value, number)?)),
                    _ => root.join(property.value),
                };
                local.push_str(property.before);
                local.push_str(&path.display().to_string());
                local.push_str(property.after);
            }
            None => local.push_str(line),
        }
    }
    Ok(local)
}

/// One line of the form `CodeUri: crates/triage/  # comment`.
struct Property<'a> {
    name: &'static str,
    before: &'a str,
    value: &'a str,
    after: &'a str,
}

impl<'a> Property<'a> {
    fn read(line: &'a str, number: usize) -> Result<Option<Self>> {
        // A comment begins with `#` at the head of the line or after a space.
        let code = if line.trim_start().starts_with('#') { "" } else { line.split(" #").next().unwrap_or(line) };
        let Some(name) = PATHS.into_iter().find(|name| mentions(code, name)) else { return Ok(None) };
        let Some(rest) = code.trim_start().strip_prefix(name).and_then(|rest| rest.strip_prefix(':')) else {
            bail!("template.yaml line {number}: write {name} on a line of its own, so that its path can be replaced");
        };
        let value = rest.trim().trim_matches(['"', '\'']);
        if value.is_empty() || value.starts_with(['{', '!', '&', '*', '/']) || value.contains("://") {
            bail!("template.yaml line {number}: {name} has to be a path in this repository");
        }
        let Some((before, after)) = line.split_once(value) else {
            bail!("template.yaml line {number}: {name} has no path");
        };
        Ok(Some(Self { name, before, value, after }))
    }
}

/// Whether the line has the property as a key, and not as part of another word.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let alone = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        alone && text[at + name.len()..].starts_with(':')
    })
}

fn crate_name(value: &str, number: usize) -> Result<&str> {
    match value.trim_end_matches('/').strip_prefix("crates/") {
        Some(name) if !name.is_empty() && !name.contains('/') => Ok(name),
        _ => bail!("template.yaml line {number}: CodeUri has to be crates/<name>/, the crate of one function"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
AWSTemplateFormatVersion: '2010-09-09'   # CodeUri: crates/not-this/
Resources:
  TriageFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: crates/triage/
      Policies: [{ Statement: [{ Effect: Allow, Action: dynamodb:PutItem, Resource: !GetAtt Table.Arn }] }]
      Environment: { Variables: { TABLE: !Ref Table, URL: !Sub \"https://${Api}.example\" } }
  SweepFunction:
    Properties:
      CodeUri: \"crates/sweep\"  # with a comment
  # DefinitionUri: statemachines/old.asl.json
  Plans:
    Properties:
      ContentUri: response-plans/
  Engage:
    Properties:
      DefinitionUri: statemachines/engage.asl.json
      DefinitionSubstitutions: { Table: !Ref Table }
";

    #[test]
    fn paths_point_to_what_was_built() {
        let local = rewrite(TEMPLATE, Path::new("/checkout"), Path::new("/built")).unwrap();
        for line in [
            "      CodeUri: /built/triage.zip\n",
            "      CodeUri: \"/built/sweep.zip\"  # with a comment\n",
            "      ContentUri: /checkout/response-plans/\n",
            "      DefinitionUri: /checkout/statemachines/engage.asl.json\n",
        ] {
            assert!(local.contains(line), "{line} is not in\n{local}");
        }
        assert_eq!(function_crates(TEMPLATE).unwrap(), ["triage", "sweep"]);
    }

    #[track_caller]
    fn nothing_else_differs(template: &str) -> usize {
        let local = rewrite(template, Path::new("/checkout"), Path::new("/built")).unwrap();
        assert_eq!(template.split('\n').count(), local.split('\n').count());
        let mut changed = 0;
        for (number, (shipped, local)) in (1..).zip(template.split('\n').zip(local.split('\n'))) {
            if shipped == local {
                continue;
            }
            changed += 1;
            let property = Property::read(shipped, number).unwrap().expect("only a path's line may change");
            let path = local.strip_prefix(property.before).and_then(|rest| rest.strip_suffix(property.after));
            let path = path.expect("the line around the path may not change");
            assert!(path.starts_with("/checkout/") || path.starts_with("/built/"), "{path}");
        }
        changed
    }

    #[test]
    fn nothing_else_differs_in_the_example() {
        assert_eq!(nothing_else_differs(TEMPLATE), 4);
        assert_eq!(nothing_else_differs(&TEMPLATE.replace('\n', "\r\n")), 4);
        assert_eq!(nothing_else_differs(TEMPLATE.trim_end()), 4);
    }

    #[test]
    fn nothing_else_differs_in_the_shipped_template() {
        let shipped = read(&Workspace::here()).unwrap();
        let keys = shipped.lines().filter(|line| PATHS.iter().any(|name| line.trim().starts_with(&format!("{name}:"))));
        assert_eq!(nothing_else_differs(&shipped), keys.count());
        assert!(!function_crates(&shipped).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_placed_is_refused_with_its_line() {
        #[track_caller]
        fn check(line: &str, remedy: &str) {
            let error = rewrite(&format!("Resources:\n{line}\n"), Path::new("/c"), Path::new("/b")).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("line 2") && text.contains(remedy), "{text}");
        }
        check("  Properties: { DefinitionUri: child.asl.json }", "on a line of its own");
        check("  CodeUri: .", "crates/<name>/");
        check("  CodeUri: crates/", "crates/<name>/");
        check("  CodeUri:", "has to be a path");
        check("  DefinitionUri: !Ref Uri", "has to be a path");
        check("  CodeUri: s3://bucket/key", "has to be a path");
    }
}
