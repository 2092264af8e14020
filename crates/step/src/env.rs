//! Configuration: read once at start, by name, with an error that says where the value comes from.

use crate::StepError;

/// The process's environment variables, as they were when it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Env(std::collections::HashMap<String, String>);

impl Env {
    /// Reads the process's environment. Variables that are not Unicode are left out.
    pub fn read() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// A variable that must be there.
    ///
    /// # Errors
    /// `Stuck` where it is missing or empty: the deployment is wrong, and a person has to mend it.
    pub fn get(&self, name: &str) -> Result<String, StepError> {
        self.find(name).ok_or_else(|| {
            StepError::stuck(format!("{name} is not set; the function's Environment in template.yaml gives it"))
        })
    }

    /// A variable that may be missing; empty counts as missing.
    pub fn find(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }
}
