//! The part of `docs/cost.md` that has figures, between its marks.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context as _, Result};

use super::{
    counted::Counted,
    idle, incident,
    prices::{Price, Prices},
};

/// The page's path below the checkout.
pub const PAGE: &str = "docs/cost.md";

const BEGIN: &str = "<!-- figures: written by cargo xtask cost -->\n";
const END: &str = "<!-- figures: end -->\n";

/// One row of a bill.
pub(super) struct Row {
    /// What is billed.
    pub(super) what: String,
    /// How many of the price's unit.
    pub(super) count: f64,
    /// The name of the price.
    pub(super) price: &'static str,
}

impl Row {
    pub(super) fn new(what: impl Into<String>, count: f64, price: &'static str) -> Self {
        Self { what: what.into(), count, price }
    }
}

/// The figures, marks included. Fails by name on a call or a type of the template that has no price and is not said to be
/// free.
pub fn figures(counted: &Counted, prices: &Prices, template: &str) -> Result<String> {
    let (idle, incident) = (idle::bill(counted, template), incident::bill(counted, prices)?);
    let mut text = BEGIN.to_owned();
    let (month, once) = (total(&idle, prices)?, total(&incident, prices)?);
    writeln!(text, "\nA month in which nothing happens costs about **{month:.2} USD**.")?;
    writeln!(text, "One incident such as a bad deployment costs about **{once:.3} USD** more.\n")?;
    writeln!(
        text,
        "Counted on {} by `cargo xtask cost`, at the prices of {} below, with no free tier taken off.\n",
        counted.counted_on, prices.region
    )?;
    text.push_str("## While idle\n\nA month has 730 hours.\n\n");
    bill(&mut text, &idle, prices, "a month")?;
    text.push_str("\nEvery type of resource and of event in `template.yaml`:\n\n");
    idle::resources(&mut text, prices, template)?;
    text.push_str("\n## One incident\n\n");
    bill(&mut text, &incident, prices, "an incident")?;
    text.push_str("\nWhere the time and the states went:\n\n");
    incident::functions(&mut text, counted)?;
    text.push_str("\nEvery call that was made, and who made it:\n\n");
    incident::calls(&mut text, counted, prices)?;
    text.push_str("\n## The prices\n\n");
    list(&mut text, prices)?;
    text.push('\n');
    text.push_str(END);
    Ok(text)
}

/// The page with these figures in the place of those that it has.
pub(super) fn placed(page: &str, figures: &str) -> Result<String> {
    let lost = || format!("{PAGE} has lost the marks between which the figures stand");
    let (before, rest) = page.split_once(BEGIN).with_context(lost)?;
    let (_, after) = rest.split_once(END).with_context(lost)?;
    Ok([before, figures, after].concat())
}

/// How often each type of resource, and of event that invokes a function, stands in the template.
pub fn types(template: &str) -> BTreeMap<&str, u64> {
    let resources = template.split("\nResources:\n").nth(1).unwrap_or_default();
    let mut types = BTreeMap::new();
    for line in resources.lines().take_while(|line| line.is_empty() || line.starts_with([' ', '#'])) {
        if let Some(kind) = line.trim_start().strip_prefix("Type: ") {
            *types.entry(kind.split(" #").next().unwrap_or(kind).trim()).or_default() += 1;
        }
    }
    types
}

fn total(rows: &[Row], prices: &Prices) -> Result<f64> {
    rows.iter().map(|row| Ok(prices.price(row.price)?.of(row.count))).sum()
}

fn bill(text: &mut String, rows: &[Row], prices: &Prices, when: &str) -> Result<()> {
    writeln!(text, "| what | counted {when} | price in USD | USD {when} |\n| --- | ---: | --- | ---: |")?;
    for row in rows {
        let price = prices.price(row.price)?;
        let (count, cost) = (number(row.count), price.of(row.count));
        writeln!(text, "| {} | {count} | {} | {cost:.6} |", row.what, asked(price))?;
    }
    writeln!(text, "| **in all** | | | **{:.6}** |", total(rows, prices)?)?;
    Ok(())
}

fn list(text: &mut String, prices: &Prices) -> Result<()> {
    text.push_str("| price in USD | AWS's price file of | not taken off |\n| --- | --- | --- |\n");
    for price in prices.prices.values() {
        let dated = price.dated.as_deref().unwrap_or("found without a date");
        let free = price.free_tier.as_deref().unwrap_or("–");
        writeln!(text, "| {} | {dated} | {free} |", asked(price))?;
    }
    Ok(())
}

/// The price as a person reads it.
fn asked(price: &Price) -> String {
    let per = match price.per {
        1 => String::new(),
        1_000_000 => "million ".to_owned(),
        per => format!("{} ", grouped(&per.to_string())),
    };
    format!("{} per {per}{}", price.usd, price.unit)
}

/// A count with commas, and with decimals only where it is small.
pub(super) fn number(count: f64) -> String {
    if count >= 1000.0 {
        return grouped(&format!("{count:.0}"));
    }
    let text = format!("{count:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of bytes, calls or milliseconds as the bill multiplies it: far below 2^52, where the first would be lost.
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_people() {
        assert_eq!(number(43_800.0), "43,800");
        assert_eq!(number(1_314_000.4), "1,314,000");
        assert_eq!(number(999.0), "999");
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(0.0), "0");
    }

    #[test]
    fn types_are_those_of_resources_and_events() {
        let template = "Parameters:\n  A:\n    Type: String\n\nResources:\n  # One.\n\n  Table:\n    Type: AWS::DynamoDB::Table\n  F:\n    \
             Type: AWS::Serverless::Function # so\n    Properties:\n      Events:\n        Queue:\n          Type: SQS\n      \
             OnFailure: { Type: SNS }\n\nOutputs:\n  B:\n    Type: None\n";
        let expect = [("AWS::DynamoDB::Table", 1), ("AWS::Serverless::Function", 1), ("SQS", 1)];
        assert_eq!(types(template), BTreeMap::from(expect));
    }

    #[test]
    fn figures_stand_between_their_marks() {
        let page = format!("# Cost\n\n{BEGIN}old\n{END}\nMore.\n");
        let new = format!("{BEGIN}new\n{END}");
        assert_eq!(placed(&page, &new).unwrap(), format!("# Cost\n\n{new}\nMore.\n"));
        assert!(placed("# Cost\n", &new).is_err());
    }
}
