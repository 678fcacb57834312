//! Times as RFC 3339 writes them.

/// Reads a time as seconds since 1970, what is smaller than a second cut off. `None` if
/// it is no time (RFC 3339 section 5.6), or one before 1970. A leap second is the first
/// second of the next minute.
pub(super) fn read(text: &str) -> Option<u64> {
    let text = text.as_bytes();
    let (date_time, rest) = text.split_at_checked(19)?;
    let number = |from: usize, digits: usize| number(date_time.get(from..from + digits)?);
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let is_marked = marks
        .iter()
        .all(|(at, mark)| date_time.get(*at) == Some(mark));
    let has_t = matches!(date_time.get(10), Some(b'T' | b't' | b' '));
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let is_valid = (1..=12).contains(&month)
        && (1..=days_of(month, year)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 60;
    if !(is_marked && has_t && is_valid) {
        return None;
    }
    let offset_minutes = offset_minutes(without_fraction(rest)?)?;
    let days = days_before(year, month) + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    u64::try_from(seconds).ok()
}

fn number(digits: &[u8]) -> Option<i64> {
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(number)
}

fn without_fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = text.strip_prefix(b".") else {
        return Some(text);
    };
    let digits = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    fraction.get(digits..).filter(|_| digits > 0)
}

/// `Z`, or hours and minutes east of Greenwich.
fn offset_minutes(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text {
        [b'Z' | b'z'] => return Some(0),
        [sign @ (b'+' | b'-'), hours @ .., b':', tens, ones] if hours.len() == 2 => {
            (sign, number(hours)?, number(&[*tens, *ones])?)
        }
        _ => return None,
    };
    let is_valid = hours <= 23 && minutes <= 59;
    let offset = hours * 60 + minutes;
    is_valid.then_some(if *sign == b'-' { -offset } else { offset })
}

fn days_of(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970 to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    // Leap years before this one, counted from the year 0 as if there had been one.
    let leaps = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    let months: i64 = (1..month).map(|month| days_of(month, year)).sum();
    years + months
}

#[cfg(test)]
mod tests {
    use super::read;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn times_are_seconds_since_1970() {
        let table = [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:01z", 1),
            ("2000-02-29 12:00:00Z", 951_825_600),
            ("2026-11-21T22:13:37Z", 1_795_299_217),
            ("2026-11-21T22:13:37.999Z", 1_795_299_217),
            ("2026-11-21T23:43:37+01:30", 1_795_299_217),
            ("2026-11-21T14:13:37-08:00", 1_795_299_217),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("2017-01-01T00:00:00Z", 1_483_228_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ];
        for (text, seconds) in table {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "2026-11-21",
            "2026-11-21T22:13:37",
            "2026-11-21T22:13Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T22:60:00Z",
            "2026-11-21T22:13:61Z",
            "2026-11-21T22:13:37.Z",
            "2026-11-21T22:13:37+1:00",
            "2026-11-21T22:13:37+24:00",
            "2026-11-21T22:13:37+01:60",
            "2026-11-21T22:13:37Z ",
            "2026-11-21X22:13:37Z",
            "2026/11/21T22:13:37Z",
            "+026-11-21T22:13:37Z",
            "1969-12-31T23:59:59Z",
            "2026-11-21T22:13:3\u{e9}Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
