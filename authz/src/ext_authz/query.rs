//! Changes to the query of a path.

use super::proto::QueryParameter;

/// The path with parameters set and removed; none if nothing is to change.
///
/// A parameter that is set stands once, at its first place or at the end.
pub(super) fn edited(path: &[u8], set: &[QueryParameter], remove: &[Vec<u8>]) -> Option<Vec<u8>> {
    if set.is_empty() && remove.is_empty() {
        return None;
    }
    let (base, query) = match path.iter().position(|&byte| byte == b'?') {
        Some(at) => (path.get(..at)?, path.get(at + 1..)?),
        None => (path, <&[u8]>::default()),
    };
    let mut pieces: Vec<Vec<u8>> = query
        .split(|&byte| byte == b'&')
        .filter(|piece| !piece.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    for parameter in set {
        set_parameter(&mut pieces, parameter);
    }
    pieces.retain(|piece| !remove.iter().any(|name| name_of(piece) == name.as_slice()));
    let query = pieces.join(&b'&');
    Some(if query.is_empty() {
        base.to_vec()
    } else {
        [base, b"?", &query].concat()
    })
}

fn set_parameter(pieces: &mut Vec<Vec<u8>>, parameter: &QueryParameter) {
    let new = [parameter.key.as_slice(), b"=", &parameter.value].concat();
    let is_it = |piece: &Vec<u8>| name_of(piece) == parameter.key.as_slice();
    match pieces.iter().position(is_it) {
        Some(first) => {
            let mut at = 0;
            pieces.retain(|piece| {
                at += 1;
                at - 1 <= first || !is_it(piece)
            });
            if let Some(piece) = pieces.get_mut(first) {
                *piece = new;
            }
        }
        None => pieces.push(new),
    }
}

fn name_of(piece: &[u8]) -> &[u8] {
    piece.split(|&byte| byte == b'=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn edit(path: &str, set: &[(&str, &str)], remove: &[&str]) -> Option<String> {
        let set: Vec<_> = set
            .iter()
            .map(|(key, value)| QueryParameter {
                key: (*key).into(),
                value: (*value).into(),
            })
            .collect();
        let remove: Vec<_> = remove.iter().map(|name| name.as_bytes().to_vec()).collect();
        edited(path.as_bytes(), &set, &remove).map(|path| String::from_utf8(path).unwrap())
    }

    #[test]
    fn nothing_to_do_leaves_the_path_alone() {
        assert_eq!(edit("/a?b=1", &[], &[]), None);
    }

    #[test]
    fn a_parameter_is_set_where_it_stands_or_at_the_end() {
        assert_eq!(
            edit("/a?b=1&c=2&b=3", &[("b", "9")], &[]).as_deref(),
            Some("/a?b=9&c=2")
        );
        assert_eq!(edit("/a", &[("b", "9")], &[]).as_deref(), Some("/a?b=9"));
    }

    #[test]
    fn removing_the_last_parameter_removes_the_question_mark() {
        assert_eq!(edit("/a?b=1", &[], &["b"]).as_deref(), Some("/a"));
        assert_eq!(edit("/a?b&c", &[], &["b"]).as_deref(), Some("/a?c"));
    }
}
