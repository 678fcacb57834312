//! CanaryGuard as users write it.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, Resource, duration};

use super::{Subset, percent};

/// Parts of one percent that numbers are exact to.
const PERCENT: u32 = 10_000;

/// Bounds of `window`: shorter ones have slots of less than a tick, and longer ones are
/// no guard.
const WINDOW_MS: (u32, u32) = (5_000, 3_600_000);

/// Bounds of `minSamples`.
const SAMPLES: (u32, u32) = (20, 1_000_000);

/// Bounds of `restore.after`.
const RESTORE_MS: (u32, u32) = (10_000, 7 * 24 * 3_600_000);

/// The same in words.
const WINDOW_EXPECTED: &str = "a duration from 5s to 1h";
const RESTORE_EXPECTED: &str = "a duration from 10s to 168h";

/// One CanaryGuard. Shares are in millionths: 10,000 are one percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryGuard {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// `virtualService`, of the same namespace.
    pub virtual_service: Box<str>,
    /// `route`: the name of an HTTP route; without it, every route that has both subsets.
    pub route: Option<Box<str>>,
    /// `stable`.
    pub stable: Box<str>,
    /// `canary`.
    pub canary: Box<str>,
    /// `window`.
    pub window_ms: u32,
    /// `minSamples`, of each subset in a window.
    pub min_samples: u32,
    /// `errors.worseBy`: how many more of its requests the canary may fail, as a
    /// difference of shares; `None` when errors are not compared.
    pub errors: Option<u32>,
    /// `latency`; `None` when latencies are not compared.
    pub latency: Option<Latency>,
    /// How likely a verdict may be by chance in one window: what `confidence` leaves.
    pub doubt: u32,
    /// `restore.after`; `None` for never.
    pub restore_after_ms: Option<u32>,
    /// `revision`: another one begins anew.
    pub revision: Box<str>,
    /// `dryRun`.
    pub is_dry_run: bool,
}

/// What is compared of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// `percentile`, as a share.
    pub quantile: u32,
    /// `worseBy`: how much longer the canary's may be, as a share of the stable one's.
    pub worse_by: u32,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Errors,
    Latency,
}

const SIGNALS: [(&str, Signal); 2] = [("errors", Signal::Errors), ("latency", Signal::Latency)];

impl CanaryGuard {
    /// What is in force where nothing is declared.
    fn new(resource: &Resource<'_>) -> Self {
        Self {
            name: resource.metadata.name.into(),
            namespace: resource.metadata.namespace.unwrap_or_default().into(),
            virtual_service: Box::default(),
            route: None,
            stable: Box::default(),
            canary: Box::default(),
            window_ms: 60_000,
            min_samples: 200,
            errors: Some(PERCENT),
            latency: Some(Latency {
                quantile: 99 * PERCENT,
                worse_by: 5 * PERCENT,
            }),
            doubt: 100,
            restore_after_ms: None,
            revision: Box::default(),
            is_dry_run: false,
        }
    }

    /// Which of the two a subset is.
    pub fn subset(&self, name: &str) -> Option<Subset> {
        match name {
            name if *self.canary == *name => Some(Subset::Canary),
            name if *self.stable == *name => Some(Subset::Stable),
            _ => None,
        }
    }

    /// The name of a subset.
    pub fn name_of(&self, subset: Subset) -> &str {
        match subset {
            Subset::Stable => &self.stable,
            Subset::Canary => &self.canary,
        }
    }

    /// How many signals are compared.
    pub(super) fn signals(&self) -> u32 {
        u32::from(self.errors.is_some()) + u32::from(self.latency.is_some())
    }
}

/// Reads a resource; what is wrong with it is in `diagnostics`.
pub fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> CanaryGuard {
    let mut guard = CanaryGuard::new(resource);
    let Some(spec) = resource.require_spec(diagnostics) else {
        return guard;
    };
    if let Some(mut spec) = spec.object(diagnostics) {
        read_subsets(&mut guard, &mut spec, diagnostics);
        read_signals(&mut guard, &mut spec, diagnostics);
        read_conduct(&mut guard, &mut spec, diagnostics);
        spec.finish(diagnostics);
    }
    guard
}

fn read_subsets(guard: &mut CanaryGuard, spec: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let mut name = |key, diagnostics: &mut Diagnostics| {
        let node = spec.require(key, diagnostics)?;
        node.text(diagnostics).map(|name| (node, name))
    };
    if let Some((_, name)) = name("virtualService", diagnostics) {
        guard.virtual_service = name.into();
    }
    let stable = name("stable", diagnostics);
    let canary = name("canary", diagnostics);
    if let (Some((_, stable)), Some((node, canary))) = (stable, canary) {
        if stable == canary {
            let expected = "another subset than that of \"stable\"";
            node.error(DiagnosticCode::DuplicateItem, expected, diagnostics);
        }
        (guard.stable, guard.canary) = (stable.into(), canary.into());
    }
    if let Some(route) = spec.take("route") {
        guard.route = route.text(diagnostics).map(Into::into);
    }
}

fn read_signals(guard: &mut CanaryGuard, spec: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let (errors, latency) = (spec.take("errors"), spec.take("latency"));
    if let Some(node) = &errors {
        guard.errors = read_errors(node, diagnostics);
    }
    if let Some(node) = &latency {
        guard.latency = read_latency(node, diagnostics);
    }
    let Some(signals) = spec.take("signals") else {
        return;
    };
    let chosen = read_chosen(&signals, diagnostics);
    let mut keep = |signal, node: Option<Node<'_>>| {
        let is_chosen = chosen.contains(&signal);
        if let (false, Some(node)) = (is_chosen, node) {
            let expected = "nothing about a signal that \"signals\" leaves out";
            node.error(DiagnosticCode::UnknownKey, expected, diagnostics);
        }
        is_chosen
    };
    if !keep(Signal::Errors, errors) {
        guard.errors = None;
    }
    if !keep(Signal::Latency, latency) {
        guard.latency = None;
    }
}

fn read_chosen(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Signal> {
    let mut chosen = Vec::new();
    for item in node.some_items(diagnostics).unwrap_or_default() {
        let signal = item.one_of(&SIGNALS, diagnostics);
        if signal.is_some_and(|signal| chosen.contains(&signal)) {
            let expected = "each signal once";
            item.error(DiagnosticCode::DuplicateItem, expected, diagnostics);
        }
        chosen.extend(signal);
    }
    chosen
}

fn read_errors(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let mut object = node.object(diagnostics)?;
    let worse_by = object.take("worseBy");
    object.finish(diagnostics);
    match worse_by {
        Some(node) => percent::read(&node, 0..=50 * PERCENT, diagnostics),
        None => Some(PERCENT),
    }
}

fn read_latency(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Latency> {
    let mut object = node.object(diagnostics)?;
    let (percentile, worse_by) = (object.take("percentile"), object.take("worseBy"));
    object.finish(diagnostics);
    let percentile = match percentile {
        Some(node) => percent::read(&node, 50 * PERCENT..=999_000, diagnostics),
        None => Some(99 * PERCENT),
    };
    let worse_by = match worse_by {
        Some(node) => percent::read(&node, 0..=1_000 * PERCENT, diagnostics),
        None => Some(5 * PERCENT),
    };
    Some(Latency {
        quantile: percentile?,
        worse_by: worse_by?,
    })
}

fn read_conduct(guard: &mut CanaryGuard, spec: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    if let Some(node) = spec.take("window") {
        let window = duration_within(&node, WINDOW_MS, WINDOW_EXPECTED, diagnostics);
        guard.window_ms = window.unwrap_or(guard.window_ms);
    }
    if let Some(node) = spec.take("minSamples") {
        let samples = node.integer(SAMPLES.0..=SAMPLES.1, diagnostics);
        guard.min_samples = samples.unwrap_or(guard.min_samples);
    }
    if let Some(node) = spec.take("confidence") {
        let confidence = percent::read(&node, 90 * PERCENT..=999_999, diagnostics);
        guard.doubt = confidence.map_or(guard.doubt, |confidence| 100 * PERCENT - confidence);
    }
    if let Some(node) = spec.take("restore") {
        guard.restore_after_ms = read_restore(&node, diagnostics);
    }
    if let Some(node) = spec.take("revision") {
        guard.revision = node.text(diagnostics).unwrap_or_default().into();
    }
    if let Some(node) = spec.take("dryRun") {
        guard.is_dry_run = node.boolean(diagnostics).unwrap_or_default();
    }
}

fn read_restore(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let mut object = node.object(diagnostics)?;
    let after = object.require("after", diagnostics);
    object.finish(diagnostics);
    duration_within(&after?, RESTORE_MS, RESTORE_EXPECTED, diagnostics)
}

fn duration_within(
    node: &Node<'_>,
    (least, most): (u32, u32),
    expected: &str,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let milliseconds = duration::milliseconds(node, diagnostics)?;
    if !(least..=most).contains(&milliseconds) {
        node.error(DiagnosticCode::OutOfRange, expected, diagnostics);
        return None;
    }
    Some(milliseconds)
}

#[cfg(test)]
mod tests;
