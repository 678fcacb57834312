//! What `jwt.wasm` adds to a request, beside native `jwt_authn` with the same rule.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_envoy::binary::find_module;
use sluice_envoy::bootstrap::{JwtAuthn, WasmFilter};

use crate::bars::{Bar, Target};
use crate::policies::NAMESPACE;
use crate::proxies::Proxy;
use crate::rounds::{Plan, added, median};
use crate::wrk::Load;

mod tokens;

use tokens::Tokens;

/// Most that a token that was never seen before may add, relative to Envoy's filter.
const COLD: f64 = 0.95;
/// And one that was, relative to Envoy's filter with a cache, and as Istio sets it, without.
const WARM: f64 = 1.75;
const WARM_OF_UNCACHED: f64 = 0.22;
const MODULE_BYTES: f64 = 260.0 * 1024.0;

/// More than any cache here holds, so that each token is new whenever its turn comes:
/// Envoy's has room for 100, ours for 1,024.
const NEW_TOKENS: usize = 24_000;
/// Few enough for both caches.
const KNOWN_TOKENS: usize = 16;

/// Of which a figure is the median.
pub const fn rounds(quick: bool) -> usize {
    Plan::of(quick).rounds
}

/// The same load on each.
struct Scene {
    name: &'static str,
    bare: Proxy,
    native: Proxy,
    native_cached: Proxy,
    wasm: Proxy,
}

/// Measures every bar of the filter.
pub fn measure(quick: bool) -> Result<Vec<Bar>> {
    let plan = Plan::of(quick);
    let module = find_module("jwt")?;
    let tokens = Tokens::mint(NEW_TOKENS)?;
    let mut cold = Scene::start("every token new", &module, &tokens, NEW_TOKENS)?;
    let mut warm = Scene::start("sixteen tokens", &module, &tokens, KNOWN_TOKENS)?;
    let mut proxies: Vec<&mut Proxy> = cold.proxies().into_iter().chain(warm.proxies()).collect();
    plan.run(&mut proxies)?;
    for scene in [&cold, &warm] {
        scene.print();
    }
    let mut bars = compare(&cold, &warm);
    bars.push(module_size(&module)?);
    Ok(bars)
}

impl Scene {
    fn start(name: &'static str, module: &Path, tokens: &Tokens, count: usize) -> Result<Self> {
        let load = Load::scripted(tokens.script(count)?);
        let start = |filter| Proxy::plain(filter, load.clone()).context(name);
        let rule = tokens.rule();
        let native = JwtAuthn::new([rule.clone()]);
        Ok(Self {
            name,
            bare: start(None)?,
            native: start(Some(native.to_json()))?,
            native_cached: start(Some(native.caching_tokens().to_json()))?,
            wasm: start(Some(wasm(module, &rule)))?,
        })
    }

    fn proxies(&mut self) -> [&mut Proxy; 4] {
        [
            &mut self.bare,
            &mut self.native,
            &mut self.native_cached,
            &mut self.wasm,
        ]
    }

    fn print(&self) {
        println!(
            "\nEnvoy, {}, RS256, processor time per request, microseconds (median of {} rounds)",
            self.name,
            self.bare.rounds.len()
        );
        let bare = median(self.bare.rounds.iter().copied());
        println!("{:<36} {bare:>8.1}", "no filter");
        for (name, proxy) in [
            ("jwt_authn as Istio sets it, adds", &self.native),
            ("jwt_authn with a cache, adds", &self.native_cached),
            ("jwt.wasm, adds", &self.wasm),
        ] {
            println!("{name:<36} {:>8.1}", added(proxy, &self.bare));
        }
    }
}

fn wasm(module: &Path, rule: &Value) -> Value {
    WasmFilter::new("bench.jwt", module, &plugin_config(rule)).to_json()
}

/// The rule as a user has it.
fn plugin_config(rule: &Value) -> String {
    json!({"resources": [{
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "bench", "namespace": NAMESPACE},
        "spec": {"jwtRules": [rule]},
    }]})
    .to_string()
}

fn compare(cold: &Scene, warm: &Scene) -> Vec<Bar> {
    let bar = |name: &str, scene: &Scene, reference: &Proxy, most| Bar {
        name: name.to_owned(),
        ours: added(&scene.wasm, &scene.bare),
        reference: added(reference, &scene.bare),
        target: Target::AtMost(most),
    };
    vec![
        bar(
            "jwt adds / jwt_authn adds, every token new, µs",
            cold,
            &cold.native,
            COLD,
        ),
        bar(
            "jwt adds / cached jwt_authn adds, known tokens, µs",
            warm,
            &warm.native_cached,
            WARM,
        ),
        bar(
            "jwt adds / jwt_authn adds, known tokens, µs",
            warm,
            &warm.native,
            WARM_OF_UNCACHED,
        ),
    ]
}

fn module_size(module: &Path) -> Result<Bar> {
    let bytes = std::fs::metadata(module)
        .with_context(|| module.display().to_string())?
        .len();
    Ok(Bar {
        name: "jwt.wasm, bytes".to_owned(),
        ours: u32::try_from(bytes)
            .map(f64::from)
            .context("a module of more than 4 GiB")?,
        reference: MODULE_BYTES,
        target: Target::AtMost(1.0),
    })
}
