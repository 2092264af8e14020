//! Every fixture, and every alarm, health, finding and deployment payload of the collection beside the checkout, against
//! tables of what these payloads say: see fixtures/README.md.

use std::collections::BTreeMap;
use std::path::Path;

use crate::corpus_test::corpus;
use crate::{Origin, Signal, Unread, read};

/// File, kind, state, account, Region, time, title, fingerprint; or file, the kind of refusal and a part of its reason.
const FIXTURES: &str = include_str!("../fixtures/table.tsv");

/// The same, for files that are not ours to keep.
const CORPUS: &str = include_str!("../fixtures/corpus.tsv");

/// The rows of a table by file, in their order.
fn rows(table: &'static str) -> BTreeMap<&'static str, Vec<Vec<&'static str>>> {
    let mut rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        rows.entry(cells.next().unwrap()).or_default().push(cells.collect());
    }
    rows
}

/// Whether an answer is what a row says.
fn matches(answer: &Result<Signal, Unread>, row: &[&str]) -> bool {
    match (answer, row) {
        (Ok(signal), [kind, state, account, region, time, title, fingerprint]) => {
            let or_dash = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
            [signal.kind.as_str(), signal.state.as_str(), &or_dash(&signal.account), &or_dash(&signal.region)]
                == [*kind, state, account, region]
                && [&signal.time.to_string(), &signal.title, &signal.fingerprint] == [*time, title, fingerprint]
        }
        (Err(unread), [kind, part]) => {
            format!("{:?}", unread.kind).eq_ignore_ascii_case(kind) && unread.reason.contains(part)
        }
        _ => false,
    }
}

#[test]
fn every_fixture_is_read_as_its_row_says() {
    let hubs = ["444455556666".to_owned()];
    let origin = Origin { own_account: Some("111122223333"), hubs: &hubs };
    let mut rows = rows(FIXTURES);
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
        let expected = rows.remove(name).unwrap_or_else(|| panic!("{name} has no row in the table"));
        let answers = read(&std::fs::read(&path).unwrap(), &origin);
        assert_eq!(answers.len(), expected.len(), "{name}: {answers:#?}");
        for (answer, row) in answers.iter().zip(&expected) {
            assert!(matches(answer, row), "{name}: not {row:?} but {answer:#?}");
        }
    }
    assert!(rows.is_empty(), "rows without a fixture: {:?}", rows.keys());
}

#[test]
fn real_payloads_are_read_as_their_rows_say() {
    let Some(corpus) = corpus() else { return };
    for (file, expected) in rows(CORPUS) {
        let answers = read(&std::fs::read(Path::new(corpus).join(file)).unwrap(), &Origin::default());
        for row in expected {
            assert!(answers.iter().any(|answer| matches(answer, &row)), "{file}: none is {row:?}: {answers:#?}");
        }
    }
}
