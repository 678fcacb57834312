//! Numbers on the command line, refused in the words of every other message.

use std::num::NonZeroUsize;
use std::str::FromStr;

use sluice_policy::diagnostic::quote;

/// One or more.
///
/// # Errors
/// Everything else.
pub fn count(text: &str) -> Result<NonZeroUsize, String> {
    parse(text, "a whole number from 1")
}

/// A port that can be connected to.
///
/// # Errors
/// Everything else.
pub fn port(text: &str) -> Result<u16, String> {
    let expected = "a port from 1 to 65535";
    match parse(text, expected)? {
        0 => Err(refusal(text, expected)),
        port => Ok(port),
    }
}

/// Any whole number that 64 bits hold.
///
/// # Errors
/// Everything else.
pub fn seed(text: &str) -> Result<u64, String> {
    parse(text, "a whole number from 0 to 18446744073709551615")
}

fn parse<T: FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|_| refusal(text, expected))
}

fn refusal(text: &str, expected: &str) -> String {
    format!("found {}, expected {expected} [out-of-range]", quote(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_taken_and_what_is_beyond_is_not() {
        assert_eq!((port("1"), port("65535")), (Ok(1), Ok(65535)));
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(count("1"), Ok(NonZeroUsize::MIN));
        for refused in [
            port("0").err(),
            port("65536").err(),
            count("0").err(),
            seed("-1").err(),
        ] {
            let message = refused.unwrap();
            assert!(message.ends_with(" [out-of-range]"), "{message}");
        }
    }
}
