//! What `authz.wasm` adds to a request, beside native rbac with equal policies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::bars::{Bar, Target};
use crate::mesh::Mesh;
use crate::policies::{Policies, Shape};
use crate::proxies::{Proxy, Stage};
use crate::rounds::{Plan, added, median};

mod memory;

/// How many policies, and the most that ours may add relative to native rbac.
const SIZES: [(usize, f64); 4] = [(1, 2.5), (100, 0.35), (1_000, 0.04), (5_000, 0.006)];
/// Most that 5,000 policies may add relative to one.
const GROWTH: f64 = 1.25;
const MODULE_BYTES: f64 = 200.0 * 1024.0;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Of which a figure is the median.
pub const fn rounds(quick: bool) -> usize {
    Plan::of(quick).rounds
}

/// Sizes at which policies of other shapes are measured beside: no bar, but what a
/// reader with such policies may expect.
const BESIDE: [usize; 2] = [1, 1_000];

/// Proxies that differ by their filter alone.
struct Scene {
    name: &'static str,
    bare: Proxy,
    pairs: Vec<Pair>,
}

/// One set of policies: the native filter and ours.
struct Pair {
    count: usize,
    shape: Shape,
    /// None if there is no bar.
    target: Option<f64>,
    native: Proxy,
    wasm: Proxy,
}

/// Measures every bar of the filter.
pub fn measure(quick: bool) -> Result<Vec<Bar>> {
    let plan = Plan::of(quick);
    let module = module()?;
    let mut bars = times(&plan, &module)?;
    bars.push(module_size(&module)?);
    bars.extend(memory::measure(&module, quick)?);
    Ok(bars)
}

fn module() -> Result<PathBuf> {
    let path = sluice_envoy::binary::target_dir().join("wasm/authz.wasm");
    anyhow::ensure!(
        path.is_file(),
        "{}: no such file; `cargo xtask dist` makes it",
        path.display()
    );
    Ok(path)
}

fn module_size(module: &Path) -> Result<Bar> {
    let bytes = std::fs::metadata(module)
        .with_context(|| module.display().to_string())?
        .len();
    Ok(Bar {
        name: "authz.wasm, bytes".to_owned(),
        ours: u32::try_from(bytes)
            .map(f64::from)
            .context("a module of more than 4 GiB")?,
        reference: MODULE_BYTES,
        target: Target::AtMost(1.0),
    })
}

fn times(plan: &Plan, module: &Path) -> Result<Vec<Bar>> {
    let mut scenes = [plain(module)?, mutual_tls(module)?];
    let mut proxies: Vec<&mut Proxy> = scenes.iter_mut().flat_map(Scene::proxies).collect();
    plan.run(&mut proxies)?;
    let [plain, _] = &scenes;
    print(&scenes);
    Ok(compare(&plain.bare, &plain.pairs))
}

fn plain(module: &Path) -> Result<Scene> {
    let stage = Stage { mesh: None };
    let mut pairs = Vec::new();
    for (count, target) in SIZES {
        let policies = Policies::new(count, Shape::Example);
        pairs.push(pair(stage, &policies, Some(target), module)?);
    }
    for count in BESIDE {
        let policies = Policies::new(count, Shape::Least);
        pairs.push(pair(stage, &policies, None, module)?);
    }
    Ok(Scene {
        name: "plain text",
        bare: stage.bare(&Policies::new(1, Shape::Example))?,
        pairs,
    })
}

/// Policies that name callers make both filters look at the connection: ours reads
/// properties for it, each a call to the host.
fn mutual_tls(module: &Path) -> Result<Scene> {
    let mesh = Mesh::new()?;
    let stage = Stage { mesh: Some(&mesh) };
    let mut pairs = Vec::new();
    for count in BESIDE {
        let policies = Policies::new(count, Shape::Callers);
        pairs.push(pair(stage, &policies, None, module)?);
    }
    Ok(Scene {
        name: "mutual TLS",
        bare: stage.bare(&Policies::new(1, Shape::Callers))?,
        pairs,
    })
}

fn pair(stage: Stage<'_>, policies: &Policies, target: Option<f64>, module: &Path) -> Result<Pair> {
    let (count, shape) = (policies.count(), policies.shape());
    let native = stage
        .native(policies)
        .with_context(|| format!("native rbac with {count} policies"))?;
    let wasm = stage
        .wasm(policies, module)
        .with_context(|| format!("authz.wasm with {count} policies"))?;
    Ok(Pair {
        count,
        shape,
        target,
        native,
        wasm,
    })
}

impl Scene {
    fn proxies(&mut self) -> impl Iterator<Item = &mut Proxy> {
        let pairs = self.pairs.iter_mut();
        let filtered = pairs.flat_map(|pair| [&mut pair.native, &mut pair.wasm]);
        [&mut self.bare].into_iter().chain(filtered)
    }
}

fn print(scenes: &[Scene]) {
    for scene in scenes {
        let bare = &scene.bare;
        println!(
            "\nEnvoy, {}, processor time per request, microseconds (median of {} rounds)",
            scene.name,
            bare.rounds.len()
        );
        println!(
            "{:<24} {:>10.1}",
            "no filter",
            median(bare.rounds.iter().copied())
        );
        println!(
            "{:<24} {:>12} {:>12} {:>8}",
            "policies", "rbac adds", "authz adds", "ratio"
        );
        for pair in &scene.pairs {
            print_row(pair, bare);
        }
    }
}

fn print_row(pair: &Pair, bare: &Proxy) {
    let name = match pair.shape {
        Shape::Example => pair.count.to_string(),
        Shape::Least => format!("{}, one prefix each", pair.count),
        Shape::Callers => format!("{}, one caller each", pair.count),
    };
    let (native, wasm) = (added(&pair.native, bare), added(&pair.wasm, bare));
    println!(
        "{name:<24} {native:>12.1} {wasm:>12.1} {:>8.3}",
        wasm / native
    );
}

fn compare(bare: &Proxy, pairs: &[Pair]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = pairs
        .iter()
        .filter_map(|pair| {
            Some(Bar {
                name: format!("authz adds / rbac adds, {} policies, µs", pair.count),
                ours: added(&pair.wasm, bare),
                reference: added(&pair.native, bare),
                target: Target::AtMost(pair.target?),
            })
        })
        .collect();
    let of = |count| {
        let has = |pair: &&Pair| pair.count == count && pair.target.is_some();
        pairs.iter().find(has)
    };
    let [(least, _), .., (most, _)] = SIZES;
    if let (Some(first), Some(last)) = (of(least), of(most)) {
        bars.push(Bar {
            name: format!("authz adds, {most} policies / {least}, µs"),
            ours: added(&last.wasm, bare),
            reference: added(&first.wasm, bare),
            target: Target::AtMost(GROWTH),
        });
    }
    bars
}
