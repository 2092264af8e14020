//! The one file that is shipped: all plans and teams as JSON, the same bytes for the same plans.

use serde::Serialize;
use serde_json::{Map, Value, json};
use signal::sha256_hex;

use crate::read::Config;

/// The version of the compiled file. Readers accept it alone, since it is the first.
pub const V: u32 = 1;

/// The compiled file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// What to write: one JSON object and a line feed.
    pub bytes: Vec<u8>,
    /// SHA-256 of the plans, teams, owners, mutes and the storm's rule in it, whoever built it.
    pub config_sha256: String,
}

/// Compiles what was read. `built_by` is the version of the program that does it; it changes no hash.
pub fn compile(config: &Config, built_by: &str) -> Compiled {
    let plans: Vec<Value> = config.plans.iter().map(compiled_plan).collect();
    let mut content = json!({ "v": V, "plans": plans, "teams": config.teams });
    if let Some(owners) = &config.owners {
        content["owners"] = json!(owners);
    }
    if let Some(storm) = &config.storm {
        content["storm"] = json!(storm);
    }
    if let Value::Object(fields) = &mut content
        && !config.mutes.is_empty()
    {
        fields.insert("mutes".to_owned(), json!(config.mutes));
    }
    let content = canonical(content);
    let config_sha256 = sha256_hex(&[&content.to_string()]);
    let mut file = content;
    if let Value::Object(fields) = &mut file {
        fields.insert("config_sha256".to_owned(), json!(config_sha256));
        fields.insert("built_by".to_owned(), json!(built_by));
        if let Some(owners) = &config.owners {
            let lines: Vec<u64> = owners.rules.iter().map(|rule| rule.line).collect();
            fields.insert("owner_lines".to_owned(), json!(lines));
        }
    }
    let mut bytes = canonical(file).to_string().into_bytes();
    bytes.push(b'\n');
    Compiled { bytes, config_sha256 }
}

/// The hash by which a plan is known.
pub(crate) fn plan_sha256(plan: &impl Serialize) -> String {
    sha256_hex(&[&canonical(json!(plan)).to_string()])
}

fn compiled_plan(plan: &crate::ResponsePlan) -> Value {
    let mut value = json!(plan);
    if let Value::Object(fields) = &mut value {
        fields.insert("plan_sha256".to_owned(), json!(plan_sha256(plan)));
    }
    value
}

/// The same with the keys of every object in order, since a feature of the JSON library, switched on by any crate of a
/// build, keeps them as they come.
pub(crate) fn canonical(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().map(|(name, value)| (name, canonical(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{Source, read};
    use crate::samples::{KINDS, PLAN, TEAMS};

    fn config(plans: &[(&str, String)]) -> Config {
        let mut sources = vec![Source { file: "teams.yaml".into(), bytes: TEAMS.into() }];
        sources.extend(plans.iter().map(|(file, text)| Source { file: (*file).into(), bytes: text.clone().into() }));
        read(&sources, &KINDS).unwrap()
    }

    #[test]
    fn the_same_plans_give_the_same_bytes() {
        let (a, b) = (PLAN.to_owned(), PLAN.replace("plan: checkout-bad", "plan: a"));
        let one = compile(&config(&[("a.yaml", a.clone()), ("b.yaml", b.clone())]), "0.1.0");
        let shuffled = a
            .replace("  source: [aws.cloudwatch]\n", "")
            .replace("detail:\n", "source: [aws.cloudwatch] # comments and order change nothing\n  detail:\n");
        let other = compile(&config(&[("z.yaml", b), ("c.yaml", shuffled)]), "0.1.0");
        assert_eq!(one, other);
        assert_eq!(compile(&config(&[("a.yaml", a.clone())]), "9").config_sha256, {
            compile(&config(&[("a.yaml", a.clone())]), "0.1.0").config_sha256
        });
        let changed = a.replace("SEV2", "SEV1");
        assert_ne!(compile(&config(&[("a.yaml", changed)]), "0.1.0").config_sha256, {
            compile(&config(&[("a.yaml", a)]), "0.1.0").config_sha256
        });
    }

    #[test]
    fn the_file_has_the_shape_that_is_promised() {
        let compiled = compile(&config(&[("a.yaml", PLAN.to_owned())]), "0.1.0");
        let file: Value = serde_json::from_slice(&compiled.bytes).unwrap();
        assert_eq!(compiled.bytes.last(), Some(&b'\n'));
        assert_eq!(file["v"], 1);
        assert_eq!(file["built_by"], "0.1.0");
        assert_eq!(file["config_sha256"], json!(compiled.config_sha256));
        let plan = &file["plans"][0];
        assert_eq!(plan["plan"], "checkout-bad-deployment");
        assert_eq!(plan["plan_sha256"].as_str().unwrap().len(), 64);
        assert_eq!(plan["mitigations"][0]["kind"], "rollback-lambda-alias");
        assert_eq!(plan["mitigations"][0]["with"], json!({"function": "checkout", "alias": "live"}));
        assert_eq!(plan["mitigations"][0]["does"], "do something to checkout");
        assert_eq!(plan["mitigations"][0]["verify_within"], "10m");
        assert_eq!(plan["mitigations"][0]["healthy_when"]["period"], "1m");
        let steps = &file["teams"]["payments"]["escalation"];
        assert_eq!(steps[1]["contact"]["channels"][0], json!({"sns": {"topic": "tourniquet-pages"}, "wakes": true}));
        assert_eq!(steps[1]["wait"], "10m");
    }
}
