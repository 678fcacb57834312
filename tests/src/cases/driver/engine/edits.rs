//! Applies header edits, as the adapter does.

use sluice_policy::HeaderEdit;

use crate::cases::scenario::Header;

/// Applies `edits` in order.
pub fn apply(headers: &mut Vec<Header>, edits: &[HeaderEdit]) {
    for edit in edits {
        match edit {
            HeaderEdit::Set(name, value) => {
                remove(headers, name);
                push(headers, name, value);
            }
            HeaderEdit::Append(name, value) => push(headers, name, value),
            HeaderEdit::Remove(name) => remove(headers, name),
        }
    }
}

fn push(headers: &mut Vec<Header>, name: &[u8], value: &[u8]) {
    headers.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
}

fn remove(headers: &mut Vec<Header>, name: &[u8]) {
    headers.retain(|(header, _)| header.as_bytes() != name);
}
