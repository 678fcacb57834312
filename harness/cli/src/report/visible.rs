//! Recorded text on its way to a terminal.
//!
//! Whoever sends a request chooses its path and its headers, and a recording
//! keeps them: printed raw, they could clear the screen of whoever reads the
//! report, or write lines into it that no plugin caused.

use std::borrow::Cow;

/// `text` with everything escaped that a terminal acts upon instead of showing
/// it: control characters, and marks that change the direction of writing.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_upon_is_escaped() {
        assert_eq!(visible("/a\u{1b}[2J\r\n"), "/a\\u{1b}[2J\\r\\n");
        assert_eq!(visible("\u{9b}1m\u{202e}x"), "\\u{9b}1m\\u{202e}x");
    }

    #[test]
    fn text_stays_as_it_is() {
        assert!(matches!(visible("GET /zahlung/ä\\n"), Cow::Borrowed(_)));
    }
}
