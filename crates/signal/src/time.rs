//! Instants as sources write them. One that carries no offset is not guessed at, except where a source says that its times
//! are UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::Offset;
use serde_json::Value;

/// RFC 3339, or with an offset that has no colon, or with a blank between day and time; or RFC 2822, whose weekday people
/// get wrong. Some printers put a space behind each colon of a payload, those of its times included.
pub(crate) fn instant(written: &str) -> Option<Timestamp> {
    let written = written.trim();
    if written.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(written).ok();
    }
    written.replace(": ", ":").parse().ok()
}

/// The same, and times without an offset are UTC: for sources that say so.
pub(crate) fn utc(written: &str) -> Option<Timestamp> {
    instant(written).or_else(|| {
        let bare: DateTime = written.trim().parse().ok()?;
        Offset::UTC.to_timestamp(bare).ok()
    })
}

/// A number since 1970, or a text of one, or a written instant. What is too large for seconds is milliseconds.
pub(crate) fn epoch(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => number,
            Err(_) => return instant(text),
        },
        _ => return None,
    };
    // 10^11 seconds are in the year 5138; 10^11 milliseconds are in 1973.
    let milliseconds = if number.abs() >= 1e11 { number } else { number * 1000.0 };
    if !(0.0..2.5e14).contains(&milliseconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range above is far within that of i64")]
    let whole = milliseconds.round() as i64;
    Timestamp::from_millisecond(whole).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(got: Option<Timestamp>, expect: &str) {
        assert_eq!(got, Some(expect.parse().unwrap()));
    }

    #[test]
    fn written_instants() {
        for (written, expect) in [
            ("2026-03-01T10:05:12.345+0000", "2026-03-01T10:05:12.345Z"),
            ("2026-03-01T10:05:12+0000", "2026-03-01T10:05:12Z"),
            ("2026-03-01T12:05:12.345+02:00", "2026-03-01T10:05:12.345Z"),
            ("2026-03-01T05:05:12.345-0500", "2026-03-01T10:05:12.345Z"),
            ("2026-03-01T10: 05: 12.345+0000", "2026-03-01T10:05:12.345Z"),
            ("2022-07-02 12:36:18.576000+00:00", "2022-07-02T12:36:18.576Z"),
            ("Sat, 11 Jun 2016 05:01:10 GMT", "2016-06-11T05:01:10Z"),
            // The fifth of June 2016 was a Sunday.
            ("Sat, 05 Jun 2016 15:10:09 GMT", "2016-06-05T15:10:09Z"),
            ("Tue, 7 Mar 2023 06:06:01 GMT", "2023-03-07T06:06:01Z"),
        ] {
            check(instant(written), expect);
        }
        for nothing in ["", "2026-03-01", "2026-03-01T10:05:12", "yyyy-mm-ddThh:mm:ssZ", "now", "2021-05-45T15:30:00Z"]
        {
            assert_eq!(instant(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn utc_by_agreement() {
        check(utc("2025-02-25 20:40:06.721"), "2025-02-25T20:40:06.721Z");
        check(utc("2017-04-18T00:21:12.059000"), "2017-04-18T00:21:12.059Z");
        check(utc("2017-04-18T00:21:12+01:00"), "2017-04-17T23:21:12Z");
        assert_eq!(utc("soon"), None);
    }

    #[test]
    fn numbers_since_1970() {
        check(epoch(&json!(1551225151881_i64)), "2019-02-26T23:52:31.881Z");
        check(epoch(&json!(1612909161.767)), "2021-02-09T22:19:21.767Z");
        check(epoch(&json!("1635786000000")), "2021-11-01T17:00:00Z");
        check(epoch(&json!("2021-11-01T17:00:00Z")), "2021-11-01T17:00:00Z");
        for nothing in [json!(null), json!("soon"), json!(-1), json!(1e300), json!([1])] {
            assert_eq!(epoch(&nothing), None, "{nothing}");
        }
    }
}
