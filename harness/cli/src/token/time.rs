//! Times and spans on the command line, and in words.

use jiff::Timestamp;
use sluice_policy::diagnostic::quote;

/// Units of a span, the largest first: letter, name, seconds.
const UNITS: [(char, &str, i64); 4] = [
    ('d', "day", 86_400),
    ('h', "hour", 3_600),
    ('m', "minute", 60),
    ('s', "second", 1),
];

/// How many units a span in words has at most.
const UNITS_SHOWN: usize = 2;

/// A span such as `90s`, `1h30m` or `-5m`, in seconds.
///
/// # Errors
/// It is no such text, or too long for 64 bits.
pub fn span(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let refused = || {
        format!(
            "found {}, expected a span such as 90s, 1h30m, 7d or -5m [invalid-span]",
            quote(text)
        )
    };
    let mut seconds: i64 = 0;
    let mut rest = digits;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(refused)?;
        let (number, unit) = rest.split_at_checked(end).ok_or_else(refused)?;
        let mut after = unit.chars();
        let letter = after.next().ok_or_else(refused)?;
        let (_, _, length) = UNITS
            .iter()
            .find(|(l, ..)| *l == letter)
            .ok_or_else(refused)?;
        let number: i64 = number.parse().map_err(|_| refused())?;
        seconds = number
            .checked_mul(*length)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(refused)?;
        rest = after.as_str();
    }
    if digits.is_empty() {
        return Err(refused());
    }
    Ok(sign * seconds)
}

/// A moment: seconds since 1970, or RFC 3339.
///
/// # Errors
/// It is neither.
pub fn moment(text: &str) -> Result<u64, String> {
    let refused = || {
        format!(
            "found {}, expected seconds since 1970 or a time such as 2026-01-31T12:00:00Z [invalid-time]",
            quote(text)
        )
    };
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let time: Timestamp = text.parse().map_err(|_| refused())?;
    u64::try_from(time.as_second()).map_err(|_| refused())
}

/// Seconds since 1970 by the system's clock; 0 if it stands before.
pub fn system_now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

/// A moment as people read it, and how far it is from `now`.
pub fn in_words(seconds: u64, now: u64) -> String {
    let distance = distance(seconds, now);
    let time = i64::try_from(seconds).map(Timestamp::from_second);
    match time {
        Ok(Ok(time)) => format!("{time}, {distance}"),
        _ => format!("{distance}, beyond the year 9999"),
    }
}

fn distance(seconds: u64, now: u64) -> String {
    match seconds.abs_diff(now) {
        0 => "now".to_owned(),
        away if seconds > now => format!("in {}", span_in_words(away)),
        away => format!("{} ago", span_in_words(away)),
    }
}

/// The two largest units of a span: `1 day 2 hours`.
pub fn span_in_words(seconds: u64) -> String {
    let mut rest = seconds;
    let mut words = Vec::new();
    for (_, name, length) in UNITS {
        let length = length.unsigned_abs();
        let count = rest / length;
        rest %= length;
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            words.push(format!("{count} {name}{plural}"));
        }
    }
    words.truncate(UNITS_SHOWN);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sums_of_units() {
        assert_eq!(span("90s"), Ok(90));
        assert_eq!(span("1h30m"), Ok(5_400));
        assert_eq!(span("-7d"), Ok(-604_800));
        for refused in [
            "",
            "-",
            "5",
            "h",
            "1y",
            "1h 2m",
            "9223372036854775807d",
            "+5m",
        ] {
            let message = span(refused).unwrap_err();
            assert!(message.ends_with("[invalid-span]"), "{refused}: {message}");
        }
    }

    #[test]
    fn moments_are_numbers_or_texts() {
        assert_eq!(moment("1760000000"), Ok(1_760_000_000));
        assert_eq!(moment("2025-10-09T08:53:20Z"), Ok(1_760_000_000));
        for refused in ["", "soon", "1969-12-31T23:59:59Z", "-1"] {
            assert!(moment(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn times_are_told_by_their_distance() {
        let now = 1_760_000_000;
        assert_eq!(
            in_words(now + 5_400, now),
            "2025-10-09T10:23:20Z, in 1 hour 30 minutes"
        );
        assert_eq!(
            in_words(now - 61, now),
            "2025-10-09T08:52:19Z, 1 minute 1 second ago"
        );
        assert_eq!(in_words(now, now), "2025-10-09T08:53:20Z, now");
        assert!(in_words(u64::MAX, now).ends_with("beyond the year 9999"));
    }
}
