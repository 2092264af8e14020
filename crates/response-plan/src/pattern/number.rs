//! Numbers as EventBridge compares them: by value, so that 300, 300.0 and 3.0e2 are one.

use std::ops::{Bound, RangeBounds};

/// A number of an event or a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Number {
    /// One that a double holds exactly, by its place in the order of all doubles.
    Double(u64),
    /// A whole number that none holds: it equals itself, and no range has it.
    Whole(i128),
}

impl Number {
    pub(crate) fn of(number: &serde_json::Number) -> Option<Self> {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        let double = number.as_f64().filter(|double| double.is_finite())?;
        match whole {
            #[expect(clippy::cast_possible_truncation, reason = "the cast back tells whether the double is exact")]
            Some(whole) if double as i128 != whole => Some(Self::Whole(whole)),
            _ => Some(Self::Double(place(double))),
        }
    }
}

/// The double's place in the order of all doubles; both zeros have one.
fn place(double: f64) -> u64 {
    let bits = (double + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// What `numeric` asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    low: Bound<u64>,
    high: Bound<u64>,
}

impl Range {
    /// The range of one or two comparisons; the other half of the answer is why there is none.
    ///
    /// EventBridge's guide limits numbers to ±5.0e9 and six decimals; its matcher has since come to compare all doubles, and
    /// so does this.
    pub(crate) fn of(comparisons: &[(&str, Number)]) -> Result<Self, &'static str> {
        let bound = |wanted: &str, comparison: &(&str, Number)| match *comparison {
            (operator, Number::Double(at)) if operator == wanted => Some(Bound::Excluded(at)),
            (operator, Number::Double(at)) if operator.strip_suffix('=') == Some(wanted) => Some(Bound::Included(at)),
            _ => None,
        };
        match comparisons {
            [(_, Number::Whole(_)), ..] | [_, (_, Number::Whole(_))] => Err("no number of such a size is exact"),
            [("=", Number::Double(at))] => Ok(Self { low: Bound::Included(*at), high: Bound::Included(*at) }),
            [one] => match (bound(">", one), bound("<", one)) {
                (Some(low), _) => Ok(Self { low, high: Bound::Unbounded }),
                (_, Some(high)) => Ok(Self { low: Bound::Unbounded, high }),
                _ => Err("that is no comparison"),
            },
            [from, to] => match (bound(">", from), bound("<", to)) {
                (Some(_), Some(_)) if from.1 >= to.1 => Err("the range ends before it begins"),
                (Some(low), Some(high)) => Ok(Self { low, high }),
                _ => Err("a range begins with > or >= and ends with < or <="),
            },
            _ => Err("that is no comparison"),
        }
    }

    /// The least and the greatest number that may be in it. Where the first is the greater, none is.
    pub(crate) fn ends(&self) -> (Number, Number) {
        let low = match self.low {
            Bound::Unbounded => u64::MIN,
            Bound::Included(at) => at,
            Bound::Excluded(at) => at.saturating_add(1),
        };
        let high = match self.high {
            Bound::Unbounded => u64::MAX,
            Bound::Included(at) => at,
            Bound::Excluded(at) => at.saturating_sub(1),
        };
        (Number::Double(low), Number::Double(high))
    }

    pub(crate) fn has(&self, number: Number) -> bool {
        match number {
            Number::Double(at) => (self.low, self.high).contains(&at),
            Number::Whole(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::of(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let ascending =
            ["-1e300", "-5.5", "-1", "0", "0.000001", "1", "1.5", "300", "4999999999.999999", "5e9", "1e300"];
        let places: Vec<Number> = ascending.into_iter().map(number).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        for same in [["300", "300.0"], ["300", "3.0e2"], ["0", "-0.0"], ["-7", "-7.0"]] {
            assert_eq!(number(same[0]), number(same[1]));
        }
        assert_eq!(number("9007199254740993"), Number::Whole(9_007_199_254_740_993));
        assert_ne!(number("9007199254740993"), number("9007199254740992"));
    }

    #[track_caller]
    fn check(comparisons: &[(&str, &str)], inside: &[&str], outside: &[&str]) {
        let comparisons: Vec<_> = comparisons.iter().map(|(operator, text)| (*operator, number(text))).collect();
        let range = Range::of(&comparisons).unwrap();
        let (low, high) = range.ends();
        let between = |text: &str| (low..=high).contains(&number(text));
        inside.iter().for_each(|text| assert!(range.has(number(text)) && between(text), "{text}"));
        outside.iter().for_each(|text| assert!(!range.has(number(text)) && !between(text), "{text}"));
    }

    #[test]
    fn ranges_have_what_they_say() {
        check(&[("=", "3.018e2")], &["301.8"], &["301.80001", "301"]);
        check(&[(">", "0"), ("<=", "5")], &["0.1", "5", "5.0"], &["0", "-0.0", "5.1", "-1"]);
        check(&[(">=", "0"), ("<", "5")], &["0", "-0.0", "4.9"], &["-0.1", "5"]);
        check(&[("<", "0")], &["-1", "-1e300"], &["0", "1", "9007199254740993"]);
        check(&[(">=", "-5000000000")], &["-5e9", "6e9"], &["-5000000001"]);
    }

    #[test]
    fn what_is_no_range_is_said() {
        let (one, two) = (number("1"), number("2"));
        let no = |comparisons: &[(&str, Number)]| Range::of(comparisons).unwrap_err();
        assert_eq!(no(&[(">", two), ("<", one)]), "the range ends before it begins");
        assert_eq!(no(&[(">", one), ("<", one)]), "the range ends before it begins");
        assert_eq!(no(&[("<", one), (">", two)]), "a range begins with > or >= and ends with < or <=");
        assert_eq!(no(&[(">", one), ("=", two)]), "a range begins with > or >= and ends with < or <=");
        assert_eq!(no(&[("==", one)]), "that is no comparison");
        assert_eq!(no(&[]), "that is no comparison");
        assert_eq!(no(&[(">", number("9007199254740993"))]), "no number of such a size is exact");
    }
}
