//! Keys of `when`.

use super::field::{Field, WHEN};

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadKey {
    /// Not of the form `prefix[key]`.
    Malformed,
    /// Taken out of Istio; the text says what took its place.
    Removed(&'static str),
    /// Never existed.
    Unknown,
}

/// Prefixes of keys that carry a name in brackets.
const HEADERS: &str = "request.headers";
const INLINE_HEADERS: &str = "request.experimental.inline.headers";
const CLAIMS: &str = "request.auth.claims";
const METADATA: &str = "experimental.envoy.filters.";

/// Prefixes of the keys that Istio took out.
const REMOVED: [(&str, &str); 4] = [
    ("destination.labels", "the policy's selector"),
    ("destination.namespace", "the policy's metadata.namespace"),
    ("destination.name", "the policy's selector"),
    ("destination.user", "the policy's selector"),
];

/// All forms of keys, for "expected one of …".
pub(super) fn known_keys() -> impl Iterator<Item = &'static str> {
    let mapped = [
        "request.headers[…]",
        "request.auth.claims[…]",
        "experimental.envoy.filters.…[…]",
    ];
    WHEN.iter().map(|(key, _)| *key).chain(mapped)
}

/// The field that a key stands for.
pub(super) fn parse(key: &str) -> Result<Field, BadKey> {
    if let Some((_, field)) = WHEN.iter().find(|(known, _)| *known == key) {
        return Ok(field.clone());
    }
    if key.starts_with(HEADERS) {
        return Ok(Field::Header(bracketed(key)?.into()));
    }
    if key.starts_with(INLINE_HEADERS) {
        return Ok(Field::HeaderPiece(bracketed(key)?.into()));
    }
    if key.starts_with(CLAIMS) {
        return Ok(Field::Claim(claim_path(bracketed(key)?)));
    }
    if key.starts_with(METADATA) {
        return metadata(key);
    }
    match REMOVED.iter().find(|(removed, _)| key.starts_with(removed)) {
        Some((_, instead)) => Err(BadKey::Removed(instead)),
        None => Err(BadKey::Unknown),
    }
}

/// What stands between the first `[` and the closing `]`.
fn bracketed(key: &str) -> Result<&str, BadKey> {
    let inner = key
        .split_once('[')
        .and_then(|(_, rest)| rest.strip_suffix(']'));
    inner
        .filter(|inner| !inner.is_empty())
        .ok_or(BadKey::Malformed)
}

/// Istio cuts `experimental.` off and splits the rest at the first `[`.
fn metadata(key: &str) -> Result<Field, BadKey> {
    let name = bracketed(key)?;
    let filter = key
        .split_once('[')
        .and_then(|(filter, _)| filter.strip_prefix("experimental."));
    let filter = filter.ok_or(BadKey::Malformed)?;
    Ok(Field::Metadata {
        filter: filter.into(),
        key: name.into(),
    })
}

/// Splits `a][b` into `a` and `b`. If any group is malformed, Istio takes the
/// whole text as one name.
fn claim_path(inner: &str) -> Vec<Box<str>> {
    let mut groups = Vec::new();
    for (number, group) in inner.split(']').enumerate() {
        let group = match number {
            0 => Some(group),
            _ => group.strip_prefix('['),
        };
        match group.filter(|group| !group.is_empty() && !group.contains('[')) {
            Some(group) => groups.push(group.into()),
            None => return vec![inner.into()],
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn claim(path: &[&str]) -> Result<Field, BadKey> {
        Ok(Field::Claim(path.iter().map(|&key| key.into()).collect()))
    }

    #[test]
    fn plain_keys_stand_for_their_field() {
        assert_eq!(parse("source.ip"), Ok(Field::IpBlock));
        assert_eq!(parse("connection.sni"), Ok(Field::ServerName));
    }

    #[test]
    fn bracketed_keys_carry_a_name() {
        assert_eq!(
            parse("request.headers[X-Token]"),
            Ok(Field::Header("X-Token".into()))
        );
        assert_eq!(parse("request.headers[]"), Err(BadKey::Malformed));
        assert_eq!(parse("request.headers[a"), Err(BadKey::Malformed));
        assert_eq!(parse("request.headers"), Err(BadKey::Malformed));
    }

    #[test]
    fn claim_paths_are_sequences_of_groups() {
        assert_eq!(parse("request.auth.claims[a][b]"), claim(&["a", "b"]));
        assert_eq!(
            parse("request.auth.claims[realm.roles]"),
            claim(&["realm.roles"])
        );
    }

    #[test]
    fn a_malformed_group_makes_the_whole_text_one_claim() {
        assert_eq!(parse("request.auth.claims[a]x[b]"), claim(&["a]x[b"]));
        assert_eq!(parse("request.auth.claims[a[b]]"), claim(&["a[b]"]));
        assert_eq!(parse("request.auth.claims[a][]"), claim(&["a]["]));
    }

    #[test]
    fn metadata_keys_name_a_filter() {
        let field = Field::Metadata {
            filter: "envoy.filters.http.x".into(),
            key: "k".into(),
        };
        assert_eq!(parse("experimental.envoy.filters.http.x[k]"), Ok(field));
        assert_eq!(
            parse("experimental.envoy.filters.http.x"),
            Err(BadKey::Malformed)
        );
    }

    #[test]
    fn removed_keys_say_what_took_their_place() {
        assert_eq!(
            parse("destination.labels[app]"),
            Err(BadKey::Removed("the policy's selector"))
        );
        assert_eq!(
            parse("destination.user"),
            Err(BadKey::Removed("the policy's selector"))
        );
        assert_eq!(parse("source.user"), Err(BadKey::Unknown));
    }
}
