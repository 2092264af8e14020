//! Functions beside those of the template: copies with other variables, and small ones that try what a role may.

use std::fs;

use anyhow::{Context as _, Result, anyhow};
use aws_sdk_lambda::{
    Client,
    operation::create_function::builders::CreateFunctionFluentBuilder,
    types::{Environment, FunctionCode, Runtime},
};

use crate::World;

impl World {
    /// Deploys a copy of a function under another name, with the same code and role and some variables changed; `None`
    /// takes one away. Its `$LATEST` is invoked by [`World::invoke_named`].
    pub async fn copy(&self, function: &str, name: &str, changes: &[(&str, Option<&str>)]) -> Result<()> {
        let client = Client::new(&self.config);
        let original = client.get_function_configuration().function_name(self.stack.output(function)?).send().await?;
        let mut variables = original.environment().and_then(|e| e.variables()).cloned().unwrap_or_default();
        for (variable, value) in changes {
            match value {
                Some(value) => _ = variables.insert((*variable).to_owned(), (*value).to_owned()),
                None => _ = variables.remove(*variable),
            }
        }
        let (bucket, key) = self.code_of(function)?;
        let copy = client.create_function().function_name(name).runtime(Runtime::Providedal2023).handler("bootstrap");
        let copy = copy.code(FunctionCode::builder().s3_bucket(bucket).s3_key(key).build()).timeout(30);
        let copy = copy.environment(Environment::builder().set_variables(Some(variables)).build());
        create(&client, name, copy.role(original.role().context("a function without a role")?)).await
    }

    /// Deploys a function in Python from a zipped `probe.py` with a `handler`, under any role.
    pub async fn probe(&self, name: &str, role: &str, zipped: Vec<u8>) -> Result<()> {
        let client = Client::new(&self.config);
        let code = FunctionCode::builder().zip_file(aws_sdk_lambda::primitives::Blob::new(zipped)).build();
        let probe = client.create_function().function_name(name).runtime(Runtime::from("python3.12"));
        create(&client, name, probe.handler("probe.handler").timeout(30).code(code).role(role)).await
    }

    /// The ARN of a function's role.
    pub async fn role_of(&self, function: &str) -> Result<String> {
        let client = Client::new(&self.config);
        let of = client.get_function_configuration().function_name(self.stack.output(function)?).send().await?;
        Ok(of.role().context("a function without a role")?.to_owned())
    }

    /// Where the deployment put the code of a function.
    fn code_of(&self, function: &str) -> Result<(String, String)> {
        let packaged = fs::read_to_string(self.stack.dir.join("packaged.yaml"))?;
        let resource = format!("  {function}:");
        let mut lines = packaged.lines().skip_while(|line| *line != resource);
        let uri = lines.find_map(|line| line.trim().strip_prefix("CodeUri: s3://"));
        let found = uri.and_then(|uri| uri.split_once('/')).with_context(|| format!("{function} was not packaged"))?;
        Ok((found.0.to_owned(), found.1.to_owned()))
    }
}

async fn create(client: &Client, name: &str, function: CreateFunctionFluentBuilder) -> Result<()> {
    // On a stack that is kept it may be there from the last run.
    let _ = client.delete_function().function_name(name).send().await;
    function.send().await.map(drop).map_err(|e| anyhow!("{name} could not be made: {:?}", e.into_service_error()))
}
