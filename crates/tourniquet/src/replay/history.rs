//! A recorded history: one event a line, judged in the order of the signals' own times.
//!
//! It is read twice, so that it need not fit into memory: once for the times, and once, in their order, for the signals.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail};
use incident::SignalOutcome;
use jiff::Timestamp;
use serde::Serialize;
use signal::{Signal, Unread};

use crate::{memory, triage};

/// A line is kept up to here: more than any payload that is read has.
const LONGEST: usize = (1 << 20) + 1;

/// So many lines that cannot be read are named.
const MOST_NAMED: usize = 100;

/// A file that was read once.
pub(crate) struct History<'a> {
    file: BufReader<File>,
    account: Option<&'a str>,
    /// Every signal, in the order of their times; of equal ones in that of the file.
    places: Vec<Place>,
    /// What is in it.
    pub(crate) contents: Contents,
}

/// What is in a history.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Contents {
    /// Lines that hold something.
    pub(crate) lines: u64,
    pub(crate) signals: usize,
    /// The first and the last time of a signal.
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// Whether the lines were in the order of the times.
    pub(crate) in_order: bool,
    /// Lines, or records of them, that gave no signal.
    pub(crate) unread: usize,
    /// The first of them.
    pub(crate) first_unread: Vec<UnreadLine>,
}

/// A line, or a record of it, that gave no signal.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadLine {
    /// From 1.
    pub(crate) line: u64,
    pub(crate) outcome: SignalOutcome,
    pub(crate) reason: String,
}

/// Where a signal stands.
struct Place {
    time: Timestamp,
    offset: u64,
    nth: u32,
}

impl<'a> History<'a> {
    /// Reads it once. A line that cannot be read is counted and named, and stops no other.
    pub(crate) fn open(path: &Path, account: Option<&'a str>) -> anyhow::Result<Self> {
        let unreadable =
            || format!("{} cannot be read; check that it is there and that you may read it", path.display());
        let file = File::open(path).with_context(unreadable)?;
        if !file.metadata().with_context(unreadable)?.is_file() {
            bail!("{} is no file that can be read twice; write the history to a file first", path.display());
        }
        let mut history =
            History { file: BufReader::new(file), account, places: Vec::new(), contents: Contents::default() };
        history.look().with_context(unreadable)?;
        Ok(history)
    }

    fn look(&mut self) -> io::Result<()> {
        let (mut line, mut number, mut offset) = (Vec::new(), 0, 0);
        loop {
            let read = next_line(&mut self.file, &mut line)?;
            if read == 0 {
                break;
            }
            number += 1;
            if !line.trim_ascii().is_empty() {
                self.contents.lines += 1;
                self.note(&line, number, offset);
            }
            offset += read;
        }
        self.contents.in_order = self.places.is_sorted_by_key(|place| place.time);
        self.places.sort_by_key(|place| place.time);
        self.contents.signals = self.places.len();
        self.contents.from = self.places.first().map(|place| place.time);
        self.contents.to = self.places.last().map(|place| place.time);
        Ok(())
    }

    fn note(&mut self, line: &[u8], number: u64, offset: u64) {
        let mut nth = 0;
        for read in memory::read(line, self.account) {
            match read {
                Ok(signal) => {
                    self.places.push(Place { time: signal.time, offset, nth });
                    nth += 1;
                }
                Err(unread) => self.contents.unread(number, unread),
            }
        }
    }

    /// Hands over every signal, in the order of their times.
    pub(crate) fn play(mut self, mut take: impl FnMut(&Signal)) -> anyhow::Result<Contents> {
        let mut line = Vec::new();
        // The signals of the line that was read last: a batch is read once, not once for each of its signals.
        let (mut at, mut signals) = (None, Vec::new());
        for Place { offset, nth, .. } in &self.places {
            if at != Some(*offset) {
                self.file.seek(SeekFrom::Start(*offset)).context("the history cannot be read a second time")?;
                next_line(&mut self.file, &mut line).context("the history cannot be read a second time")?;
                signals = memory::read(&line, self.account).into_iter().flatten().collect();
                at = Some(*offset);
            }
            let signal = usize::try_from(*nth).ok().and_then(|nth| signals.get(nth));
            take(signal.context("the history changed while it was read; play a file that nobody writes")?);
        }
        Ok(self.contents)
    }
}

impl Contents {
    fn unread(&mut self, line: u64, unread: Unread) {
        self.unread += 1;
        if self.first_unread.len() < MOST_NAMED {
            // Which line it is, is said already: the payload is one.
            let reason = unread.reason.replace("from line 1, column", "from column");
            self.first_unread.push(UnreadLine { line, outcome: triage::outcome(&unread), reason });
        }
    }
}

/// Reads the next line without its end, up to [`LONGEST`], and says how many bytes it takes in the file; 0 at its end.
fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let mut read = 0;
    loop {
        let bytes = file.fill_buf()?;
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let part = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..part.min(LONGEST - line.len())]);
        let used = end.map_or(part, |end| end + 1);
        file.consume(used);
        read += used as u64;
        if end.is_some() || used == 0 {
            return Ok(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_to_their_end_whatever_their_length() {
        let long = "x".repeat(3 * LONGEST);
        let text = format!("a\r\n\n{long}\nb");
        // A buffer that is smaller than a line.
        let mut file = BufReader::with_capacity(7, text.as_bytes());
        let mut line = Vec::new();
        let mut seen = Vec::new();
        loop {
            let read = next_line(&mut file, &mut line).unwrap();
            if read == 0 {
                break;
            }
            seen.push((read, line.len()));
        }
        assert_eq!(seen, [(3, 2), (1, 0), (3 * LONGEST as u64 + 1, LONGEST), (1, 1)]);
    }
}
