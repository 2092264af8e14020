//! Payloads that nobody sends, made of those that sources do: whatever arrives, `read` answers soundly, and what that costs is in
//! proportion to what arrived. The same ones every time; others by `TOURNIQUET_FUZZ_SEED`, more by `TOURNIQUET_FUZZ_RUNS`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be made or read is a failed test")]

mod change;
mod work;
mod wrap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use signal::{Origin, Signal, Unread, read, signal_id};

use change::{Changes, Damage, LARGEST, LONG, changes, count, damage, damaged, grow, place};
use work::{TIMES, allocated, alone, in_proportion, play};
use wrap::{Wrap, any_wrap};

const OWN: Origin = Origin { own_account: Some("444455556666"), hubs: &[] };

/// For each byte of a payload so many may be allocated while it is read: its values take 32 each and more, its texts are copied
/// from wrapping to wrapping, and the signal keeps them in an event of its own. It is twice the most that was seen.
const BYTES_PER_BYTE: usize = 80;

/// And so many however short it is, for each of the signals, and for each packed log on the way to them.
const BYTES: usize = 64 << 10;

/// What each source sends.
fn fixtures() -> Vec<(String, Value)> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |path: &std::path::PathBuf| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    files.iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(path))).collect()
}

/// A payload that was made of one of a source.
#[derive(Debug, Clone)]
struct Case {
    fixture: String,
    payload: Value,
    changes: Changes,
    /// From the inside to the outside, each with how many of the payload it holds.
    wraps: Vec<(Wrap, usize)>,
    outside: Vec<(Index, Damage)>,
}

fn case() -> impl Strategy<Value = Case> {
    let wraps = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec((any_wrap(), 1_usize..4), 1..6)];
    let outside = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(damage(), 1..3)];
    (prop::sample::select(fixtures()), changes(), wraps, outside)
        .prop_map(|((fixture, payload), changes, wraps, outside)| Case { fixture, payload, changes, wraps, outside })
}

impl Case {
    /// What arrives, and how long it was in all its wrappings together.
    fn payload(&self) -> (Vec<u8>, usize) {
        let mut bytes = self.changes.of(&self.payload);
        let mut size = bytes.len();
        for (wrap, times) in &self.wraps {
            // What was packed is short again, and may unpack to as much as all the copies of it were.
            size *= times;
            bytes = wrap.around(&bytes, *times);
            size += bytes.len();
        }
        (damaged(bytes, &self.outside), size)
    }
}

/// What must hold of any answer.
fn sound(answers: &[Result<Signal, Unread>]) -> Result<(), TestCaseError> {
    prop_assert!(!answers.is_empty());
    for answer in answers {
        match answer {
            Ok(signal) => {
                prop_assert_eq!(&signal.signal_id, &signal_id(&signal.fingerprint, signal.state, signal.time));
                prop_assert!(!signal.fingerprint.is_empty() && !signal.fingerprint.contains('\n'));
                prop_assert!(signal.onset.is_none_or(|onset| onset <= signal.time));
                prop_assert!(signal.event.is_object());
            }
            Err(unread) => prop_assert!(!unread.reason.is_empty() && unread.reason.len() < 500),
        }
    }
    Ok(())
}

#[test]
fn whatever_arrives_is_answered() {
    let _alone = alone();
    play(2_000, &case(), |case| {
        let (bytes, size) = case.payload();
        let (answers, allocated) = allocated(|| read(&bytes, &OWN));
        sound(&answers)?;
        let packed = case.wraps.iter().filter(|(wrap, _)| matches!(wrap, Wrap::Log)).count();
        let most = size * BYTES_PER_BYTE + (answers.len() + packed) * BYTES;
        prop_assert!(allocated <= most, "{}: {allocated} bytes for {size}, in {} answers", case.fixture, answers.len());
        Ok(())
    });
}

/// Every source, with each value in turn a text that is too long for a message.
#[test]
fn whatever_is_a_long_text_is_cut_between_characters() {
    let _alone = alone();
    for (name, payload) in fixtures() {
        for number in 0..count(&payload) {
            let mut changed = payload.clone();
            *place(&mut changed, &mut number.clone()).unwrap() = LONG.into();
            sound(&read(changed.to_string().as_bytes(), &OWN))
                .unwrap_or_else(|why| panic!("{name}, value {number}: {why}"));
        }
    }
}

/// Every source, with one value that is very long: one of so many of all the values that there are.
#[test]
fn what_is_long_costs_no_more_than_its_length() {
    const ONE_OF: usize = 41;
    let _alone = alone();
    let mut turn = 0;
    for (name, payload) in fixtures() {
        for number in 0..count(&payload) {
            turn += 1;
            if turn % ONE_OF != 0 {
                continue;
            }
            let [small, large] = [LARGEST / TIMES, LARGEST].map(|size| {
                let mut long = payload.clone();
                grow(place(&mut long, &mut number.clone()).unwrap(), size);
                long.to_string().into_bytes()
            });
            in_proportion(|| drop(read(&small, &OWN)), || drop(read(&large, &OWN)))
                .unwrap_or_else(|why| panic!("{name}, value {number}: {why}"));
        }
    }
}

/// The largest payloads that are nothing but wrapping: records in records, each held by the next.
#[test]
fn wrapping_around_wrapping_costs_no_more_than_its_length() {
    let _alone = alone();
    for outer in [Wrap::Topic, Wrap::Queue, Wrap::Stream, Wrap::Lines, Wrap::Log, Wrap::Entries] {
        let [small, large] = [LARGEST / TIMES, LARGEST].map(|size| {
            let one = Wrap::Queue.around(b"{\"source\":\"a\"}", 4);
            outer.around(&one, size / one.len())
        });
        in_proportion(|| drop(read(&small, &OWN)), || drop(read(&large, &OWN)))
            .unwrap_or_else(|why| panic!("{outer:?}: {why}"));
    }
}
