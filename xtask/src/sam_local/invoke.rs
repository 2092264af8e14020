//! `sam build`, and `sam local invoke` of one function, to its answer.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{engine::Engine, place, relay::Relays, sam::Sam};
use crate::{stack::Stack, template, workspace::Workspace};

/// A variable that the template does not name, since on AWS there is no such endpoint.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// How cargo-lambda is told what SAM has no words for.
const SETTINGS: &str = "CARGO_LAMBDA_GLOBAL";

/// The built functions, ready to be invoked.
#[derive(Debug)]
pub(super) struct Built {
    template: PathBuf,
    folder: PathBuf,
    parameter: String,
}

/// The architecture of this machine, in the words of the template. Fails where Lambda has no such machines.
pub(super) fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64"),
        "aarch64" => Ok("arm64"),
        other => bail!("Lambda runs on x86_64 and arm64, and this machine is {other}"),
    }
}

impl Built {
    /// Builds every function of the shipped template with cargo-lambda, for this architecture, below `folder`.
    pub(super) fn build(workspace: &Workspace, sam: &Sam, architecture: &str, folder: &Path) -> Result<Self> {
        let (build, settings) = (folder.join("build"), folder.join("CargoLambda.toml"));
        let functions = template::function_crates(&template::read(workspace)?)?;
        fs::create_dir_all(folder).with_context(|| format!("Failed to create {}", folder.display()))?;
        fs::write(&settings, quick(&functions)).with_context(|| format!("Failed to write {}", settings.display()))?;
        let parameter = format!("Architecture={architecture}");
        let mut command = sam.command(&["build", "--parameter-overrides", &parameter, "--template"])?;
        command.arg(workspace.template()).arg("--build-dir").arg(&build).current_dir(workspace.root());
        command.env("CARGO_TARGET_DIR", place::target(workspace));
        // Without it SAM asks for a release, which is another profile.
        command.env(SETTINGS, &settings).env("SAM_BUILD_MODE", "debug");
        let output = command.output().context("Failed to start sam")?;
        ensure!(output.status.success(), "sam build failed:\n{}", String::from_utf8_lossy(&output.stderr).trim());
        let built = Self { template: build.join("template.yaml"), folder: folder.to_path_buf(), parameter };
        built.adapt()?;
        built.write_settings()?;
        Ok(built)
    }

    /// SAM hands on no variable that its template does not name, so the built one gets the endpoint's; and its layer is
    /// the folder of [`Built::give_plans`], since the shipped one has the plans of whichever stack began last.
    fn adapt(&self) -> Result<()> {
        let text = fs::read_to_string(&self.template).context("sam build wrote no template")?;
        let named = with_variable(&text).context("The built template has no variables for all functions")?;
        let layered = with_layer(&named, &self.plans()).context("The built template has no layer")?;
        fs::write(&self.template, layered).with_context(|| format!("Failed to write {}", self.template.display()))
    }

    fn plans(&self) -> PathBuf {
        self.folder.join("plans")
    }

    /// Gives the layer the plans that the stack was started with.
    pub(super) fn give_plans(&self, stack: &Stack) -> Result<()> {
        let (from, to) = (stack.dir.join("plans.json"), self.plans());
        fs::create_dir_all(&to).with_context(|| format!("Failed to create {}", to.display()))?;
        fs::copy(&from, to.join("plans.json")).with_context(|| format!("Failed to copy {}", from.display())).map(drop)
    }

    /// The names of the functions that were built, in the order of the alphabet.
    pub(super) fn functions(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join("build")).context("sam build made no folder")? {
            let entry = entry?;
            if entry.path().join("bootstrap").exists() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The executable of each.
    pub(super) fn binaries(&self) -> Result<Vec<PathBuf>> {
        let build = self.folder.join("build");
        Ok(self.functions()?.into_iter().map(|name| build.join(name).join("bootstrap")).collect())
    }

    /// Gives each function the variables that it has on the stack, with other values for some, and the endpoint where
    /// functions find the emulator.
    ///
    /// Addresses are written as containers know them.
    pub(super) fn give_variables(&self, stack: &Stack, relays: &Relays, others: &[(&str, &str)]) -> Result<()> {
        let mut all = BTreeMap::new();
        for name in self.functions()? {
            let deployed = stack.output(&name)?;
            let query = ["--query", "Environment.Variables"];
            let ask = ["lambda", "get-function-configuration", "--function-name", deployed];
            let mut variables: BTreeMap<String, String> = stack.aws().json(&[&ask[..], &query].concat())?;
            for (name, value) in others {
                variables.entry((*name).to_owned()).and_modify(|deployed| (*value).clone_into(deployed));
            }
            variables.insert(ENDPOINT.to_owned(), stack.proxy_endpoint.clone());
            variables.values_mut().for_each(|value| *value = relays.rewrite(value));
            all.insert(name, variables);
        }
        let path = self.variables();
        fs::write(&path, serde_json::to_vec_pretty(&all)?)
            .with_context(|| format!("Failed to write {}", path.display()))
    }

    fn variables(&self) -> PathBuf {
        self.folder.join("variables.json")
    }

    /// What SAM is to be told at each call, as a configuration file: so that a call by hand is a short one, and the same.
    pub(super) fn settings(&self) -> PathBuf {
        self.folder.join("samconfig.toml")
    }

    fn write_settings(&self) -> Result<()> {
        let mut text = "version = 0.1\n[default.local_invoke.parameters]\nskip_pull_image = true\n".to_owned();
        let layers = self.folder.join("layers");
        for (name, path) in
            [("template_file", &self.template), ("env_vars", &self.variables()), ("layer_cache_basedir", &layers)]
        {
            let path = path.to_str().context("The path of the checkout is not UTF-8: move it")?;
            text.push_str(&format!("{name} = {path:?}\n"));
        }
        text.push_str(&format!("parameter_overrides = {:?}\n", self.parameter));
        fs::write(self.settings(), text).with_context(|| format!("Failed to write {}", self.settings().display()))
    }

    /// Runs a function in its container with the event of a file, and returns what it answered and what was logged. An
    /// error that the function answers is an answer, as Lambda gives it: with `errorType` and `errorMessage`.
    pub(super) fn invoke(&self, sam: &Sam, engine: &Engine, function: &str, event: &Path) -> Result<(Value, String)> {
        let mut command = sam.command(&["local", "invoke", function])?;
        command.arg("--config-file").arg(self.settings()).arg("--event").arg(event);
        for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            // It talks to this machine alone.
            command.env_remove(proxy);
        }
        engine.hand_to(&mut command);
        let output = command.current_dir(&self.folder).output().context("Failed to start sam")?;
        let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ensure!(output.status.success(), "sam local invoke failed:\n{log}");
        let answer = read_answer(&String::from_utf8_lossy(&output.stdout));
        Ok((answer.with_context(|| format!("The function gave no answer:\n{log}"))?, log))
    }
}

/// What makes the build quick. With the profile `local` it shares build scripts and macros with everything else here. And
/// SAM builds one function after the other, each with the features that it needs itself: the same SDK crates would be
/// compiled over and over. Cargo is told all of them each time, so that the first call builds all and the others nothing.
fn quick(packages: &[String]) -> String {
    format!("[build]\nprofile = \"local\"\npackages = {packages:?}\n")
}

/// The answer in what SAM writes to its standard output: the last line that is JSON.
fn read_answer(written: &str) -> Option<Value> {
    written.lines().rev().find_map(|line| serde_json::from_str(line.trim()).ok())
}

/// The template with the endpoint among the variables of every function, which come first of all.
fn with_variable(template: &str) -> Option<String> {
    let globals = template.find("\nGlobals:")?;
    let at = globals + template[globals..].find("Variables:\n")? + "Variables:\n".len();
    let indent: String = template[at..].chars().take_while(|c| *c == ' ').collect();
    Some(format!("{}{indent}{ENDPOINT}: ''\n{}", &template[..at], &template[at..]))
}

/// The template with another folder for its one layer.
fn with_layer(template: &str, folder: &Path) -> Option<String> {
    let at = template.find(" ContentUri: ")? + " ContentUri: ".len();
    let end = at + template[at..].find('\n')?;
    Some(format!("{}{}{}", &template[..at], folder.display(), &template[end..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_endpoint_is_named_for_every_function() {
        let template = "Parameters:\n  A: 1\nGlobals:\n  Function:\n    Environment:\n      Variables:\n        TABLE:\n          \
                        Ref: Table\nResources:\n  F:\n    Variables:\n      B: 1\n";
        let named = with_variable(template).unwrap();
        assert_eq!(named, template.replacen("        TABLE:", "        AWS_ENDPOINT_URL: ''\n        TABLE:", 1));
        assert_eq!(with_variable("Resources:\n  F:\n    Variables:\n      B: 1\n"), None);
    }

    #[test]
    fn the_layer_is_another_folder() {
        let template =
            "Resources:\n  L:\n    Properties:\n      ContentUri: ../../plans\n      PublishLambdaVersion: true\n";
        let layered = with_layer(template, Path::new("/own")).unwrap();
        assert_eq!(layered, template.replace("../../plans", "/own"));
        assert_eq!(with_layer("Resources: {}\n", Path::new("/own")), None);
    }

    #[test]
    fn the_answer_is_the_last_line() {
        assert_eq!(read_answer("START\n{\"v\":1,\"open\":0}\n\n"), Some(json!({"v": 1, "open": 0})));
        assert_eq!(read_answer("START\n"), None);
    }
}
