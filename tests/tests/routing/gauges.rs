//! Gauges outlive the filter that tells them.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_envoy::EnvoyBinary;
use sluice_envoy::binary::find_module;
use sluice_envoy::bootstrap::WasmFilter;
use sluice_envoy::service::scripted::Answer;

use super::{HOST, Mesh, config, get, listener_of, resource};

/// A context that is gone is noticed when others have ticked often enough without it.
const PATIENCE: Duration = Duration::from_secs(60);

const NAME: &str = "routing";

/// Has Envoy take a configuration from a file, as Istio has it take one from istiod.
fn discover(file: &Path) -> Value {
    let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
    json!({"name": NAME, "config_discovery": {
        "config_source": {"resource_api_version": "V3",
                          "path_config_source": {"path": file}},
        "type_urls": [wasm]}})
}

/// Envoy watches for files that take the place of others.
fn publish(file: &Path, config: &Value) {
    let module = find_module("routing").unwrap();
    let mut filter = WasmFilter::new(NAME, &module, &config.to_string()).to_json();
    filter["name"] = json!(NAME);
    filter["@type"] = json!("type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig");
    let response = json!({"resources": [filter]});
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, response.to_string()).unwrap();
    std::fs::rename(&fresh, file).unwrap();
}

/// Gauges that are not 0, without what is of the proxy itself.
fn told(mesh: &Mesh) -> Vec<String> {
    let gauges = ["sluice_routing_ejected", "sluice_routing_guard_"];
    let is_gauge = |name: &String| {
        let own = name
            .split_once("sluice_")
            .map(|(_, own)| format!("sluice_{own}"));
        own.is_some_and(|own| gauges.iter().any(|gauge| own.starts_with(gauge)))
    };
    let stats = mesh.envoy.stats().unwrap().into_iter();
    let told = stats.filter(|(name, value)| *value != 0 && is_gauge(name));
    told.map(|(name, _)| name).collect()
}

fn wait_for(mesh: &Mesh, what: &str, is_so: impl Fn(&[String]) -> bool) {
    let start = Instant::now();
    loop {
        let told = told(mesh);
        if is_so(&told) {
            println!("{what} after {:?}: {told:?}", start.elapsed());
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: {told:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_configuration_that_is_replaced_leaves_no_gauge_behind() {
    let outlier =
        json!({"outlierDetection": {"consecutive5xxErrors": 3, "baseEjectionTime": "3600s"}});
    let mut first = config(50, Some(outlier));
    first["resources"][0]["spec"]["http"][1]["retries"] = json!({"attempts": 0});
    let spec = json!({"virtualService": HOST, "stable": "v1", "canary": "v2", "window": "1h"});
    let guard = resource("CanaryGuard", "orders", &spec);
    first["resources"].as_array_mut().unwrap().push(guard);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("routing.json");
    publish(&file, &first);
    let forward = json!({"route": {"cluster": "v1", "timeout": "0s"}});
    let listener = listener_of(0, [discover(&file)], forward);
    let mesh = Mesh::of(EnvoyBinary::find_default().unwrap(), [listener].into_iter());
    let mut connection = mesh.connect(0);
    mesh.v2.answer(Answer::status(503));
    for _ in 0..12 {
        connection.send(&get()).unwrap();
    }
    wait_for(&mesh, "told", |told| {
        let has = |part: &str| told.iter().any(|name| name.contains(part));
        has("_ejected") && has("errors_millionths") && has("latency_us")
    });

    publish(&file, &config(0, None));
    wait_for(&mesh, "taken back", <[String]>::is_empty);
    mesh.v2.answer(Answer::ok("v2"));
    assert_eq!(connection.send(&get()).unwrap().status, 200);
}
