//! What callers of the public items rely on, whoever they are.

use serde_json::json;
use sluice_policy::json::{MAX_BYTES, MAX_DEPTH, Node, Object, parse};
use sluice_policy::matcher::{IpMatcher, PathMatcher, StringMatcher};
use sluice_policy::mesh::extension_provider;
use sluice_policy::path_normalization::{Normalization, Normalized};
use sluice_policy::resource::AUTHORIZATION_POLICY;
use sluice_policy::{Attachment, Diagnostics, Resource};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Findings as `path: code, found, expected (help)`.
fn lines(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics.into_iter().map(ToString::to_string).collect()
}

fn read<T>(
    value: &serde_json::Value,
    read: impl FnOnce(&Node<'_>, &mut Diagnostics) -> T,
) -> (T, Vec<String>) {
    let mut diagnostics = Diagnostics::default();
    let result = read(&Node::new(value, "spec"), &mut diagnostics);
    (result, lines(&diagnostics))
}

#[test]
fn findings_are_counted_by_what_they_are() {
    use sluice_policy::DiagnosticCode::{UnknownKey, WrongType};
    let mut diagnostics = Diagnostics::default();
    assert!(diagnostics.is_empty());
    diagnostics.error(WrongType, "a", "1", "a string");
    diagnostics.error(WrongType, "b", "1", "a string");
    diagnostics.warning(UnknownKey, "c", "d", "e");
    assert!(!diagnostics.is_empty());
    assert_eq!((diagnostics.count_errors(), diagnostics.len()), (2, 3));
    assert_eq!(lines(&diagnostics).len(), 3);
}

#[test]
fn every_mode_of_normalisation_is_found_by_its_name() {
    for (name, mode) in Normalization::NAMES {
        assert_eq!(Normalization::from_name(name), Some(mode), "{name}");
    }
    assert_eq!(Normalization::from_name("merge_slashes"), None);
}

#[test]
fn values_and_objects_say_where_they_stand() {
    let value = json!({"a": {"b": 1}});
    let entries = value.as_object().unwrap();
    let mut object = Object::new(entries, "spec");
    assert_eq!(object.path(), "spec");
    assert!(!object.is_empty());
    let node = object.take("a").unwrap();
    assert_eq!((node.path(), node.value()), ("spec.a", &json!({"b": 1})));
    let none = serde_json::Map::new();
    assert!(Object::new(&none, "").is_empty());
}

#[test]
fn what_yaml_takes_for_something_else_is_to_be_quoted() {
    for (value, quoted) in [(json!(1), true), (json!(true), true), (json!([]), false)] {
        let (text, lines) = read(&value, |node, diagnostics| {
            node.string(diagnostics).map(str::to_owned)
        });
        assert_eq!(text, None);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].contains("quotes"), quoted, "{}", lines[0]);
    }
}

fn nested(depth: usize) -> Vec<u8> {
    [vec![b'['; depth], vec![b']'; depth]].concat()
}

#[test]
fn documents_up_to_the_limits_are_read() {
    let mut diagnostics = Diagnostics::default();
    assert!(parse(&nested(MAX_DEPTH), &mut diagnostics).is_some());
    let mut long = vec![b' '; MAX_BYTES];
    long[0] = b'1';
    assert!(parse(&long, &mut diagnostics).is_some());
    assert!(diagnostics.is_empty());
    long.push(b' ');
    assert!(parse(&long, &mut diagnostics).is_none());
    assert!(parse(&nested(MAX_DEPTH + 1), &mut diagnostics).is_none());
    assert_eq!(diagnostics.len(), 2);
    // The limit is a contract: documentation and helm charts name it.
    assert_eq!(MAX_BYTES, 33_554_432);
}

#[test]
fn null_is_a_value_like_any_other() {
    let mut diagnostics = Diagnostics::default();
    assert_eq!(
        parse(b"[null, \"\\u00e9\"]", &mut diagnostics),
        Some(json!([null, "é"]))
    );
    assert!(diagnostics.is_empty());
}

#[test]
fn what_is_no_path_is_not_made_one() {
    for (_, mode) in Normalization::NAMES {
        for none in [&b""[..], b"#", b"#/a"] {
            assert_eq!(mode.apply(none), Normalized::Path(b"".into()), "{mode:?}");
        }
    }
    for (path, status) in [(&b"/\0"[..], 400), (b"/a\0b?c", 400), (b"/%00", 400)] {
        assert_eq!(
            Normalization::Base.apply(path),
            Normalized::Rejected(status)
        );
    }
}

#[test]
fn booleans_of_messages_are_0_or_not() {
    use sluice_policy::protobuf::Value;
    for (value, truth) in [(0, false), (1, true), (2, true), (u64::MAX, true)] {
        assert_eq!(Value::Varint(value).boolean(), Some(truth));
    }
    assert_eq!(Value::Fixed64(1).boolean(), None);
}

#[test]
fn the_prefix_of_a_check_is_empty_or_a_path() {
    for (prefix, errors) in [("", 0), ("/", 0), ("/check", 0), ("check", 1)] {
        let http = json!({"service": "a", "port": 1, "pathPrefix": prefix});
        let list = json!([{"name": "p", "envoyExtAuthzHttp": http}]);
        let (_, lines) = read(&list, extension_provider::read_all);
        assert_eq!(lines.len(), errors, "{lines:?}");
    }
}

#[test]
fn times_of_creation_sort_as_texts() {
    let findings = |time: &str| {
        let resource = json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "a", "namespace": "n", "creationTimestamp": time},
        });
        let (_, lines) = read(&resource, |node, diagnostics| {
            Resource::read(node, &[&AUTHORIZATION_POLICY], diagnostics).is_some()
        });
        lines
    };
    assert_eq!(findings("2026-01-31T23:59:59Z"), [""; 0]);
    for wrong in [
        "",
        "2026-01-31T23:59:59",
        "2026-01-31T23:59:59ZZ",
        "2026-01-31 23:59:59Z",
        "2026-01-31T23:59:5xZ",
        "2026-01-31T23:59:59+00:00",
    ] {
        let lines = findings(wrong);
        assert_eq!(lines.len(), 1, "{wrong}");
        assert!(lines[0].ends_with("[invalid-timestamp]"), "{}", lines[0]);
    }
}

#[test]
fn an_address_is_a_range_of_one() {
    let network = |text| IpMatcher::new(text).unwrap().network().to_string();
    assert_eq!(network("10.0.0.7"), "10.0.0.7/32");
    assert_eq!(network("10.1.2.3/8"), "10.0.0.0/8");
}

#[test]
fn a_suffix_without_prefix_stays_a_suffix() {
    assert_eq!(
        StringMatcher::with_prefix("*.example", ""),
        StringMatcher::text("*.example")
    );
    assert!(matches!(
        StringMatcher::with_prefix("*.example", "a"),
        StringMatcher::Around { .. }
    ));
}

#[test]
fn each_fault_of_a_template_is_told_apart() {
    let faults = ["/a{b}", "/a{*}", "/{**}/{*}", "{*}", "/a//{*}"];
    let mut told: Vec<String> = faults
        .iter()
        .map(|path| PathMatcher::new(path).unwrap_err().to_string())
        .collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), faults.len(), "{told:?}");
    assert!(told.iter().all(|text| !text.is_empty()));
}

#[test]
fn kinds_without_target_ref_refuse_it() {
    let value = json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}], "targetRef": {}});
    let mut diagnostics = Diagnostics::default();
    let mut object = Object::new(value.as_object().unwrap(), "spec");
    let attachment = Attachment::read_plural(&mut object, &mut diagnostics);
    assert_ne!(attachment, Attachment::default());
    assert!(diagnostics.is_empty());
    object.finish(&mut diagnostics);
    assert_eq!(diagnostics.count_errors(), 1);
}

#[test]
fn a_target_of_an_unknown_kind_is_named_in_full() {
    let value = json!({"targetRefs": [
        {"group": "gateway.networking.k8s.io", "kind": "Gatway", "name": "g"},
        {"group": "", "kind": "Servis", "name": "s"},
    ]});
    let mut diagnostics = Diagnostics::default();
    let mut object = Object::new(value.as_object().unwrap(), "spec");
    Attachment::read(&mut object, &mut diagnostics);
    let lines = lines(&diagnostics);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("\"gateway.networking.k8s.io/Gatway\""),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("\"Servis\""), "{}", lines[1]);
}
