//! Where things are: the checkout, its target directory, and what this tool keeps there.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Set where everything is to be built in one go, for the tools that are started from here as well.
pub const BUILD_ONCE: &str = "TOURNIQUET_BUILD_ONCE";

/// The checkout that this tool was built from, and the target directory that it shares with cargo.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
    builds_once: bool,
}

impl Workspace {
    /// The checkout that this tool was built from; `CARGO_TARGET_DIR` moves the target directory, as for cargo.
    pub fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf();
        let target = variable("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Self { root, target, builds_once: variable(BUILD_ONCE).is_some() }
    }

    /// The folder of `Cargo.toml` and `template.yaml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the Python tools, installed once.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The shipped template.
    pub fn template(&self) -> PathBuf {
        self.root.join("template.yaml")
    }

    /// The template with paths to what was built.
    pub fn local_template(&self) -> PathBuf {
        self.target.join("local").join("template.yaml")
    }

    /// For each function `<crate>/bootstrap`, and `<crate>.zip` with the same.
    pub fn functions(&self) -> PathBuf {
        self.target.join("local-stack").join("functions")
    }

    /// The folder of the developer's stack: logs, `stack.json`, temporary files.
    pub fn stack_dir(&self) -> PathBuf {
        self.target.join("local-stack")
    }

    /// The folder of a stack that lives only as long as the verb that started it, such as `test` or `demo`.
    pub fn private_stack_dir(&self, verb: &str) -> PathBuf {
        self.target.join("local-stack").join(verb)
    }

    /// The same, built as a whole: see [`Workspace::builds_once`].
    pub fn built_once(&self) -> Self {
        Self { builds_once: true, ..self.clone() }
    }

    /// Whether everything is built in one go, tests included. Cargo gives dependencies other features for another selection
    /// of packages, and builds them anew: minutes, where a run needs both the functions and the tests.
    pub const fn builds_once(&self) -> bool {
        self.builds_once
    }

    /// An executable of this workspace, built with the profile `local`.
    pub fn executable(&self, name: &str) -> PathBuf {
        self.target.join("local").join(name)
    }

    /// The cargo that runs this tool, to be started in the checkout.
    ///
    /// What cargo sets for the package that it runs is taken out again: build scripts that watch those variables
    /// would otherwise be run, and their crates built, anew whenever cargo is called from here.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|own| text.starts_with(own)) {
                cargo.env_remove(&name);
            }
        }
        cargo.env_remove("CARGO_PRIMARY_PACKAGE").current_dir(&self.root);
        cargo
    }
}

/// One environment variable, `None` when it is unset or empty.
#[expect(clippy::disallowed_methods, reason = "a development tool has no step::Env")]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
