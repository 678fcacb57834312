//! The manifests in `wasm-plugins/` are what they are shown for.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the tree must fail"
)]

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;
use sluice_envoy::binary::{target_dir, workspace_dir};
use sluice_tests::equality::scene::documents;

/// Files of plugins in a folder of `wasm-plugins`.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = workspace_dir().join("wasm-plugins").join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.contains("kind: WasmPlugin") || text.contains("kind: TrafficExtension")
    });
    files.sort();
    files
}

#[test]
fn every_example_is_taken_by_its_filter() {
    let examples = files("examples");
    assert!(examples.len() >= 8, "{examples:?}");
    for example in examples {
        let modules = target_dir().join("wasm");
        let arguments = ["sluice".into(), "check".into(), example.clone().into()];
        let arguments = arguments.into_iter().chain(["--modules".into()]);
        let arguments: Vec<OsString> = arguments.chain([modules.into()]).collect();
        assert_eq!(sluice_cli::run(arguments), 0, "{}", example.display());
    }
}

/// `pluginConfig` of the first document of a file.
fn configuration(path: &str) -> Value {
    let document = documents(&format!("wasm-plugins/{path}.yaml")).unwrap();
    let document = document.into_iter().next().unwrap();
    let places = ["/spec/pluginConfig", "/spec/wasm/pluginConfig"];
    let mut found = places.iter().filter_map(|place| document.pointer(place));
    found.next().cloned().unwrap()
}

#[test]
fn what_is_shown_in_several_forms_is_the_same() {
    let table = [
        (
            "examples/payment-service",
            "examples/payment-service-trafficextension",
        ),
        (
            "examples/order-service",
            "examples/order-service-trafficextension",
        ),
        ("examples/order-service", "overlays/order-service/routing"),
    ];
    for (one, other) in table {
        assert_eq!(configuration(one), configuration(other), "{other}");
    }
}

/// What Istio gets beside the filter.
#[test]
fn the_overlay_has_the_routes_of_the_example() {
    let rest = |path: &str| -> Vec<Value> {
        let mut documents = documents(path).unwrap();
        documents.retain(|document| document["kind"] != "WasmPlugin");
        let specs = documents.iter().map(|document| document["spec"].clone());
        specs.collect()
    };
    let example = rest("wasm-plugins/examples/order-service.yaml");
    assert_eq!(example.len(), 2);
    assert_eq!(
        rest("wasm-plugins/overlays/order-service/routes.yaml"),
        example
    );
}
