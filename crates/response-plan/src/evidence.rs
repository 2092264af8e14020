//! `evidence`: how far back it goes, and what each collector reads, by the collector's own declaration.

use serde_saphyr::Spanned;

use crate::error::Report;
use crate::kind::{CollectorKind, Field, scalar, texts};
use crate::node::Node;
use crate::plan::Evidence;
use crate::span::Span;
use crate::yaml::unknown_field;

/// The one field that is no collector's own: all of them look at the same window.
const BEFORE: &str = "before";

/// What a plan says of evidence. What is wrong is reported; a plan that says nothing keeps what every incident has.
pub(crate) fn read(report: &mut Report<'_>, written: Option<&Spanned<Node>>, kinds: &[&CollectorKind]) -> Evidence {
    let mut read = Evidence::default();
    let Some(written) = written else { return read };
    let entries = match &written.value {
        Node::Map(entries) => entries.as_slice(),
        Node::Scalar(_) | Node::List(_) => {
            report.add(written.referenced, "a mapping is expected here", "write a mapping");
            &[]
        }
    };
    let fields: Vec<&Field> = kinds.iter().flat_map(|kind| kind.fields).collect();
    for (key, value) in entries {
        let name = key.value.as_str();
        match fields.iter().find(|field| field.name == name) {
            Some(field) => drop(read.wanted.insert(name.to_owned(), texts(report, value, field))),
            None if name == BEFORE => read.before = span(report, value),
            None => {
                let known: Vec<&str> = [BEFORE].into_iter().chain(fields.iter().map(|field| field.name)).collect();
                unknown_field(report, key.referenced, name, &known);
            }
        }
    }
    read
}

fn span(report: &mut Report<'_>, written: &Spanned<Node>) -> Span {
    let field = Field { name: BEFORE, about: "", example: "30m", required: false, check: |_| Ok(()) };
    let Some(text) = scalar(report, written, &field) else { return Span::default() };
    text.parse().unwrap_or_else(|wrong: String| {
        let (message, remedy) = wrong.split_once("; ").unwrap_or((&wrong, "correct the value"));
        report.add(written.referenced, message, remedy);
        Span::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::error::PlanErrors;
    use crate::plan::Evidence;
    use crate::read::{Source, read};
    use crate::samples::{KINDS, PLAN, TEAMS};

    /// The shipped plan, whose evidence is in line 25 and after, with other evidence.
    fn with(evidence: &str) -> Result<Evidence, PlanErrors> {
        let (before, _) = PLAN.split_once("evidence:").unwrap();
        let source = |file: &str, text: &str| Source { file: file.into(), bytes: text.into() };
        let plan = format!("{before}evidence: {evidence}\n");
        let config = read(&[source("a.yaml", &plan), source("teams.yaml", TEAMS)], &KINDS)?;
        Ok(config.plans[0].evidence.clone())
    }

    #[track_caller]
    fn refused(evidence: &str, column: u64, message: &str, remedy: &str) {
        let errors = with(evidence).unwrap_err();
        let [error] = errors.0.as_slice() else { panic!("one error expected:\n{errors}") };
        assert_eq!((error.line, error.column), (25, column), "{error}");
        assert_eq!((error.message.as_str(), error.remedy.as_str()), (message, remedy));
    }

    #[test]
    fn a_plan_says_what_each_collector_is_to_keep_or_nothing() {
        #[track_caller]
        fn check(evidence: &str, before: u64, groups: &[&str]) {
            let read = with(evidence).unwrap();
            assert_eq!(
                (read.before.as_secs(), read.of("log_groups")),
                (before, &groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>()[..])
            );
            assert_eq!(read.of("alarm"), [] as [&str; 0]);
        }
        check("{ before: 30m, log_groups: [/aws/lambda/checkout, b] }", 1_800, &["/aws/lambda/checkout", "b"]);
        check("{ log_groups: [5] }", 0, &["5"]);
        check("{ before: 5m }", 300, &[]);
        check("{}", 0, &[]);
        check("", 0, &[]);
    }

    #[test]
    fn what_no_collector_declares_is_refused_by_name() {
        refused("{ dashboards: [a] }", 13, "`evidence.dashboards` is not supported yet", "remove it");
        refused("{ traces: fault }", 13, "`evidence.traces` is not supported yet", "remove it");
        refused("{ log_group: [a] }", 13, "`log_group` is not a field here", "did you mean `log_groups`?");
        refused("{ alarm: [a] }", 13, "`alarm` is not a field here", "remove it, or write `before` or `log_groups`");
        refused("{ 5: [a] }", 13, "`5` is not a field here", "remove it, or write `before` or `log_groups`");
        refused("{ log_groups: [a], log_groups: [b] }", 30, "`log_groups` stands here twice", "keep one of the two");
        refused("{ before: 5m, before: 6m }", 25, "`before` stands here twice", "keep one of the two");
    }

    #[test]
    fn what_a_collector_cannot_read_is_refused_where_it_stands() {
        let form = "write `log_groups: [/aws/lambda/checkout]`";
        refused("{ log_groups: x }", 25, "a list is expected here", form);
        refused("{ log_groups: }", 23, "a list is expected here", form);
        refused("{ log_groups: { a: 1 } }", 25, "a list is expected here", form);
        refused("{ log_groups: [a, [b]] }", 29, "text is expected here", form);
        refused("{ log_groups: [~] }", 26, "the value is missing", "write it, or remove the field");
        refused("{ log_groups: [''] }", 26, "this is no log group", "write one line of at most 512 characters");
        refused("x", 11, "a mapping is expected here", "write a mapping");
        refused("[x]", 11, "a mapping is expected here", "write a mapping");
        let span = "write a number and a unit, such as 30s, 5m, 2h or 7d";
        refused("{ before: 5 }", 21, "`5` is not a length of time", span);
        refused("{ before: [5m] }", 21, "text is expected here", "write `before: 30m`");
        refused("{ before: }", 19, "the value is missing", "write it, or remove the field");
        refused("{ before: 400d }", 21, "`400d` is longer than a year", "correct the value");
    }

    /// As releases wrote it before collectors declared their fields, and as another release may.
    #[test]
    fn records_of_other_releases_are_read() {
        let read = |record: &str| serde_json::from_str::<Evidence>(record).unwrap();
        let first = r#"{"before":"30m","log_groups":["/aws/lambda/checkout"]}"#;
        assert_eq!(read(first), with("{ before: 30m, log_groups: [/aws/lambda/checkout] }").unwrap());
        assert_eq!(serde_json::to_string(&read(first)).unwrap(), first);
        let newer = r#"{"before":"5m","log_groups":[],"traces":"fault = true","ratio":{"of":[1]},"lists":[1]}"#;
        assert_eq!((read(newer).before.as_secs(), read(newer).wanted.len()), (300, 1));
        assert_eq!(read("{}"), Evidence::default());
    }
}
