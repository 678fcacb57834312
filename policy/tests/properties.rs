//! Properties of reading and normalising that hold for every input.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use sluice_policy::matcher::TrustDomains;
use sluice_policy::path_normalization::{Normalization, Normalized};
use sluice_policy::resource::AUTHORIZATION_POLICY;
use sluice_policy::{Diagnostics, json, plugin_config};

fn mode() -> impl Strategy<Value = Normalization> {
    prop::sample::select(Normalization::NAMES.map(|(_, mode)| mode).to_vec())
}

/// Every mode but one; discarding samples would run out of them now and then.
fn mode_except(excluded: Normalization) -> impl Strategy<Value = Normalization> {
    let modes = Normalization::NAMES.map(|(_, mode)| mode);
    prop::sample::select(
        modes
            .into_iter()
            .filter(|mode| *mode != excluded)
            .collect::<Vec<_>>(),
    )
}

/// What stands in a string: escapes, whole and half, and bytes of all kinds.
fn string_piece() -> impl Strategy<Value = Vec<u8>> {
    let escapes = r"\\[bfnrtux/]|\\\\|\\u[dD][89a-fA-F][0-9a-f]{2}|\\u[0-9a-fA-F]{1,4}|\\u0000";
    prop_oneof![
        escapes.prop_map(String::into_bytes),
        any::<char>().prop_map(|character| character.to_string().into_bytes()),
        any::<u8>().prop_map(|byte| vec![byte]),
    ]
}

/// Paths over the characters that normalisation treats apart.
fn path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "/", "//", ".", "..", "%2e", "%2E", "%2f", "%5C", "\\", "a", "%61", "%", "%2", "%zz",
        "?", "#", "{", " ", "é",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn normal(mode: Normalization, path: &[u8]) -> Option<Vec<u8>> {
    match mode.apply(path) {
        Normalized::Path(path) => Some(path.into_owned()),
        Normalized::Rejected(_) => None,
    }
}

fn before_query(path: &[u8]) -> &[u8] {
    path.split(|&byte| byte == b'?').next().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Without decoding of slashes, which may lay bare another encoding.
    #[test]
    fn normalising_twice_changes_nothing(
        mode in mode_except(Normalization::DecodeAndMergeSlashes),
        path in path(),
    ) {
        let once = normal(mode, path.as_bytes()).unwrap();
        prop_assert_eq!(normal(mode, &once), Some(once));
    }

    #[test]
    fn no_dot_segment_and_no_backslash_survives(
        mode in mode_except(Normalization::None),
        path in path(),
    ) {
        let normal = normal(mode, path.as_bytes()).unwrap();
        let path = before_query(&normal);
        prop_assert!(path.starts_with(b"/"));
        prop_assert!(!path.contains(&b'\\'));
        prop_assert!(path.split(|&byte| byte == b'/').all(|segment| segment != b"." && segment != b".."));
    }

    #[test]
    fn the_query_is_untouched(mode in mode(), path in "/[a/.]{0,5}", query in "\\?[a/.%\\\\{]{0,8}") {
        let normal = normal(mode, format!("{path}{query}").as_bytes()).unwrap();
        prop_assert!(normal.ends_with(query.as_bytes()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(mode in mode(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = mode.apply(&bytes);
        let mut diagnostics = Diagnostics::new();
        let value = json::parse(&bytes, &mut diagnostics);
        prop_assert_eq!(value.is_none(), diagnostics.has_errors());
    }

    /// Whatever serde_json takes comes through as serde_json has it, unless a
    /// key is repeated.
    #[test]
    fn json_is_read_as_serde_json_reads_it(text in r#"[\[\]{}",:a1 ]{0,16}"#) {
        let mut diagnostics = Diagnostics::new();
        let value = json::parse(text.as_bytes(), &mut diagnostics);
        let reference = serde_json::from_str::<serde_json::Value>(&text);
        if diagnostics.is_empty() {
            prop_assert_eq!(value, reference.ok());
        } else if !diagnostics.to_string().contains("[duplicate-key]") {
            prop_assert!(reference.is_err());
        }
    }

    #[test]
    fn strings_are_read_as_serde_json_reads_them(
        content in prop::collection::vec(string_piece(), 0..6),
    ) {
        let bytes = [b"\"".as_slice(), &content.concat(), b"\""].concat();
        let value = json::parse(&bytes, &mut Diagnostics::new());
        prop_assert_eq!(value, serde_json::from_slice(&bytes).ok());
    }

    #[test]
    fn every_text_comes_through(text in any::<String>()) {
        let bytes = serde_json::to_vec(&text).unwrap();
        let value = json::parse(&bytes, &mut Diagnostics::new());
        prop_assert_eq!(value, Some(text.into()));
    }

    #[test]
    fn whole_numbers_are_exact(number in any::<i64>(), large in any::<u64>()) {
        let text = format!("[{number},{large}]");
        let value = json::parse(text.as_bytes(), &mut Diagnostics::new());
        prop_assert_eq!(value, Some(serde_json::json!([number, large])));
    }

    #[test]
    fn numbers_are_read_nearly_as_serde_json_reads_them(text in "-?[0-9]{0,3}[.]?[0-9]{0,9}([eE][-+]?[0-9]{0,2})?") {
        let value = json::parse(text.as_bytes(), &mut Diagnostics::new());
        let reference = serde_json::from_str::<serde_json::Value>(&text).ok();
        prop_assert_eq!(value.is_some(), reference.is_some());
        if let (Some(value), Some(reference)) = (value, reference) {
            let (value, reference) = (value.as_f64().unwrap(), reference.as_f64().unwrap());
            prop_assert!((value - reference).abs() <= reference.abs() * 1e-14, "{value} {reference}");
        }
    }

    /// A configuration that is cut off never passes for a whole one.
    #[test]
    fn a_cut_configuration_is_refused(cut in 1..180_usize) {
        let whole = r#"{"mesh":{"trustDomain":"td"},"resources":[{"apiVersion":"security.istio.io/v1",
            "kind":"AuthorizationPolicy","metadata":{"name":"a","namespace":"n"},"spec":{"rules":[{}]}}]}"#;
        let part = whole.get(..cut.min(whole.len() - 1)).unwrap_or_default();
        let mut diagnostics = Diagnostics::new();
        plugin_config::read(part.as_bytes(), &[&AUTHORIZATION_POLICY], &mut diagnostics, |_, _| {});
        prop_assert!(diagnostics.has_errors());
    }

    #[test]
    fn expanding_a_principal_keeps_or_renames_its_trust_domain(domain in "[a*]{1,3}", own in "[ab]{1,2}", alias in "[ab]{1,2}") {
        let value = format!("{domain}/ns/n/sa/s");
        let expanded = TrustDomains::new(&own, &[alias]).expand_principal(&value);
        prop_assert!(!expanded.is_empty());
        prop_assert!(expanded.iter().all(|value| value.ends_with("/ns/n/sa/s")));
    }
}
