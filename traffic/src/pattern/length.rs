//! How long an expression is.

/// Characters of an expression with its repetitions written out: `(ab){3}` is as long as
/// `abababab` with a character for the parentheses. That is what the engine goes through for
/// each byte of a text, at the most, and the same on every platform.
///
/// What is no expression has any length.
pub(super) fn written_out(expression: &str) -> usize {
    let mut groups: Vec<Length> = vec![Length::default()];
    let mut bytes = expression.bytes();
    let mut is_class = false;
    while let Some(byte) = bytes.next() {
        let depth = groups.len();
        let Some(group) = groups.last_mut() else {
            break;
        };
        match byte {
            b'\\' => {
                let is_number = matches!(bytes.next(), Some(b'x' | b'u' | b'U'));
                if is_number && bytes.clone().next() == Some(b'{') {
                    bytes.by_ref().find(|byte| *byte == b'}');
                }
                group.add(1, is_class);
            }
            b']' => is_class = false,
            _ if is_class => group.add(1, true),
            b'[' => {
                is_class = true;
                group.add(1, false);
            }
            b'(' => groups.push(Length::default()),
            b')' if depth > 1 => {
                let all = group.all().saturating_add(1);
                groups.pop();
                if let Some(outer) = groups.last_mut() {
                    outer.add(all, false);
                }
            }
            b'{' => {
                let bounds = bytes.by_ref().take_while(|byte| *byte != b'}');
                group.repeat(times(bounds));
            }
            b'*' | b'+' | b'?' => group.add(1, true),
            _ => group.add(1, false),
        }
    }
    groups
        .iter()
        .fold(0, |sum: usize, group| sum.saturating_add(group.all()))
}

/// Of a group, so far.
#[derive(Debug, Default, Clone, Copy)]
struct Length {
    before: usize,
    /// What a repetition that follows would repeat.
    last: usize,
}

impl Length {
    fn add(&mut self, length: usize, is_of_last: bool) {
        match is_of_last {
            true => self.last = self.last.saturating_add(length),
            false => {
                self.before = self.all();
                self.last = length;
            }
        }
    }

    fn repeat(&mut self, times: usize) {
        self.last = self.last.saturating_mul(times);
    }

    fn all(&self) -> usize {
        self.before.saturating_add(self.last)
    }
}

/// The greater of two bounds; with an open end one more than the other.
fn times(bounds: impl Iterator<Item = u8>) -> usize {
    let mut number = 0_usize;
    let mut greatest = 0;
    let mut is_open = false;
    for byte in bounds {
        is_open = byte == b',';
        number = match byte {
            b'0'..=b'9' => number
                .saturating_mul(10)
                .saturating_add(usize::from(byte - b'0')),
            _ => 0,
        };
        greatest = greatest.max(number);
    }
    greatest.saturating_add(usize::from(is_open)).max(1)
}

#[cfg(test)]
mod tests {
    use super::written_out;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn repetitions_count_as_written_out() {
        let table = [
            ("", 0),
            ("abc", 3),
            (r"a\.b", 3),
            ("a.*b", 4),
            ("[a-z]+x", 6),
            (r"[\]{3}]{2}", 10),
            ("a{3}", 3),
            ("ba{2,5}", 6),
            ("a{2,}", 3),
            ("a{0}", 1),
            ("(ab){3}", 9),
            ("((a{10}b){10}c){10}", 1_220),
            ("(a|b)c", 5),
            (r"\({2}", 2),
            (r"\x{263a}{2}", 2),
            ("a{99999999999999999999}{99999999999999999999}", usize::MAX),
        ];
        for (expression, expected) in table {
            assert_eq!(written_out(expression), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_does_no_harm() {
        for text in [")", "a)b", "(((", "[", "{", "a{", "\\", "a{1", "]", "}"] {
            assert!(written_out(text) <= 8, "{text}");
        }
    }
}
