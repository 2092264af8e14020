//! The price list: what AWS asks, by the day on which it asked that, and what each call and each resource counts as.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::page::float;

/// The list that the page is made with.
const LIST: &str = include_str!("prices.json");

/// The list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The version of its form.
    #[serde(rename = "v")]
    pub version: u32,
    /// The Region whose prices these are.
    pub region: String,
    /// By a name of ours.
    pub prices: BTreeMap<String, Price>,
    /// What each call counts as, by service and operation.
    calls: BTreeMap<String, Billed>,
    /// Whether a type of the template costs while idle, and why.
    resources: BTreeMap<String, Idle>,
}

/// One price.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// In US dollars, before taxes.
    pub usd: f64,
    /// For so many.
    pub per: u64,
    /// Of what.
    pub unit: String,
    /// The date of AWS's price file; `None` where the price was found without one.
    pub dated: Option<String>,
    /// What AWS gives for nothing and the page does not take off.
    pub free_tier: Option<String>,
}

/// What a call counts as.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// Each at the price of this name.
    Price(String),
    /// It has no price of its own: what is billed is counted elsewhere, in this.
    Within(String),
    /// Nothing, for this reason.
    Free(String),
}

/// What a type of the template costs while nothing happens.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idle {
    /// Something, for this.
    Costs(String),
    /// Nothing, for this reason.
    Free(String),
}

impl Prices {
    /// The list of this checkout.
    pub fn read() -> Result<Self> {
        serde_json::from_str(LIST).context("Failed to read xtask/src/cost/prices.json")
    }

    /// A price. The error names what has to be added.
    pub fn price(&self, name: &str) -> Result<&Price> {
        self.prices.get(name).with_context(|| format!("xtask/src/cost/prices.json has no price `{name}`: add it"))
    }

    /// What a call counts as. The error names the call that nobody has thought of.
    pub fn call(&self, name: &str) -> Result<&Billed> {
        self.calls.get(name).with_context(|| {
            format!("`{name}` was called, and xtask/src/cost/prices.json does not say what it costs: add it to `calls`")
        })
    }

    /// What a type of the template costs while idle. The error names the type that nobody has thought of.
    pub fn resource(&self, kind: &str) -> Result<&Idle> {
        self.resources.get(kind).with_context(|| {
            format!("template.yaml has a {kind}, and xtask/src/cost/prices.json does not say what it costs: add it to `resources`")
        })
    }
}

impl Price {
    /// What so many cost.
    pub fn of(&self, count: f64) -> f64 {
        count * self.usd / float(self.per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_billed_at_a_price_that_is_there() {
        let prices = Prices::read().unwrap();
        for billed in prices.calls.values() {
            if let Billed::Price(name) = billed {
                prices.price(name).unwrap();
            }
        }
    }

    #[test]
    fn what_nobody_has_thought_of_is_named() {
        let prices = Prices::read().unwrap();
        let said = prices.call("kms Decrypt").unwrap_err().to_string();
        assert!(said.starts_with("`kms Decrypt` was called"), "{said}");
        let said = prices.resource("AWS::KMS::Key").unwrap_err().to_string();
        assert!(said.starts_with("template.yaml has a AWS::KMS::Key"), "{said}");
        assert!(prices.price("gold").is_err());
    }

    #[test]
    fn a_price_is_for_so_many() {
        let price = &Prices::read().unwrap().prices["state-transitions"];
        assert!((price.of(4000.0) - 0.1).abs() < 1e-9);
    }
}
