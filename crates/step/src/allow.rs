//! Permissions, declared by the code that needs them; `cargo xtask template` writes them into `template.yaml`.

/// A statement of a policy, in the words of `template.yaml`.
#[derive(Debug, Clone, Copy)]
pub struct Allow {
    /// IAM actions.
    pub actions: &'static [&'static str],
    /// Resources, each as a YAML value of the template, such as `!Ref MitigateLambdaFunctions`.
    pub resources: &'static [&'static str],
    /// A condition, as a YAML flow mapping of the template.
    pub condition: Option<&'static str>,
}
