//! Families of mitigations: each has one role, `tourniquet-mitigate-<family>`, in the account of the resource, and two
//! parameters of the stack, which switch it on and say what it may touch. A new family is one entry here.

/// One family.
#[derive(Debug)]
pub struct Family {
    /// The end of the role's name.
    pub name: &'static str,
    /// The parameter that switches it on; the begin of the role's logical name.
    pub switch: &'static str,
    /// What the switch is for.
    pub about: &'static str,
    /// The parameter with the pattern of ARNs that it may touch.
    pub scope: Scope,
}

/// A parameter with a pattern of ARNs.
#[derive(Debug)]
pub struct Scope {
    /// Its name.
    pub parameter: &'static str,
    /// A pattern that no resource has, until somebody names some.
    pub nothing: &'static str,
    /// What CloudFormation lets pass. Where names say whose a resource is, at least one character is no wildcard.
    pub allowed: &'static str,
    /// What is said of anything else.
    pub constraint: &'static str,
    /// What it is for, with an example.
    pub about: &'static str,
}

/// Lambda functions: aliases, event sources, concurrency.
pub(crate) static LAMBDA: Family = Family {
    name: "lambda",
    switch: "MitigateLambda",
    about: "Whether mitigations of the Lambda family may be applied in this account.",
    scope: Scope {
        parameter: "MitigateLambdaFunctions",
        nothing: "arn:aws:lambda:*:*:function:none-named",
        allowed: "arn:aws[a-z-]*:lambda:[a-z0-9*-]+:[0-9*]+:function:[A-Za-z0-9_*?-]*[A-Za-z0-9_-][A-Za-z0-9_*?-]*",
        constraint: "Give a pattern of function ARNs in which at least one character of the name is not a wildcard.",
        about: "ARN pattern of the functions that they may touch, such as arn:aws:lambda:eu-west-1:111122223333:function:checkout*",
    },
};

/// AppConfig's applications, with their environments, profiles and deployments.
pub(crate) static APPCONFIG: Family = Family {
    name: "appconfig",
    switch: "MitigateAppConfig",
    about: "Whether mitigations of the AppConfig family may be applied in this account.",
    scope: Scope {
        parameter: "MitigateAppConfigApplications",
        // An id has 7 characters at most.
        nothing: "arn:aws:appconfig:*:*:application/nonenamed",
        // Ids are AppConfig's own and mean nothing, so that a pattern for several applications can only be one for all.
        allowed: "arn:aws[a-z-]*:appconfig:[a-z0-9*-]+:[0-9*]+:application/[a-z0-9*?]+",
        constraint: "Give the ARN of an application, or a pattern of such ARNs.",
        about: "ARN pattern of the applications that they may touch, such as arn:aws:appconfig:eu-west-1:111122223333:application/abc1234",
    },
};
