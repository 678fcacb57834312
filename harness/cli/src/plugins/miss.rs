//! Why an extension is not on a proxy, in words: what a typo in `--workload` looks like.

use sluice_policy::diagnostic::{quote, suggest};
use sluice_policy::{ProxyKind, Workload};

use super::installation::Proxy;
use super::manifest::{Extension, Filter};
use crate::workload::KEYS;

/// What keeps `extension` from being run on `proxy`: the first of the
/// conditions of [`Proxy::select`] that does not hold.
pub fn reason(extension: &Extension, proxy: &Proxy<'_>) -> String {
    let workload = proxy.workload.as_target();
    target(extension, &workload)
        .or_else(|| namespace(extension, &workload, proxy.root_namespace))
        .or_else(|| selector(extension, &workload))
        .or_else(|| listener(extension, proxy))
        .unwrap_or_else(|| left_out(&extension.spec.filter).to_owned())
}

/// A label that no plugin selects, and that is near to a key of `--workload` or to a label
/// that one does select: `namspace=production` is a label too.
pub fn misspelt_label<'e>(
    extensions: impl Iterator<Item = &'e Extension>,
    proxy: &Proxy<'_>,
) -> Option<String> {
    let selectors = extensions.map(|extension| &extension.spec.attachment.labels);
    let selected: Vec<&str> = selectors
        .flat_map(|labels| labels.keys().map(String::as_str))
        .collect();
    let given = proxy.workload.workload.labels.keys().map(String::as_str);
    let mut unselected = given.filter(|key| !selected.contains(key));
    unselected.find_map(|key| {
        let near = suggest(key, KEYS.into_iter().chain(selected.iter().copied()))?;
        Some(format!("{} became a label: {near}", quote(key)))
    })
}

fn target(extension: &Extension, workload: &Workload) -> Option<String> {
    let targets = &extension.spec.attachment.targets;
    let is_sidecar = workload.kind == ProxyKind::Sidecar;
    if targets.is_empty() {
        let is_waypoint = workload.kind == ProxyKind::Waypoint;
        return is_waypoint
            .then(|| "has no targetRefs, and waypoints go by nothing else".to_owned());
    }
    if is_sidecar {
        return Some("has targetRefs, which sidecars ignore".to_owned());
    }
    let names: Vec<String> = targets
        .iter()
        .map(|target| format!("{} {}", target.kind, target.name))
        .collect();
    Some(format!(
        "is in namespace {} and its targetRefs name {}",
        extension.namespace,
        names.join(", ")
    ))
}

fn namespace(extension: &Extension, workload: &Workload, root_namespace: &str) -> Option<String> {
    let own = &extension.namespace;
    let applies = *own == workload.namespace || own == root_namespace;
    (!applies).then(|| {
        format!("is in namespace {own}, which is neither the workload's nor the root namespace {root_namespace}")
    })
}

fn selector(extension: &Extension, workload: &Workload) -> Option<String> {
    let labels = &extension.spec.attachment.labels;
    let (key, wanted) = labels
        .iter()
        .find(|(key, wanted)| workload.labels.get(key) != Some(wanted))?;
    let had = match workload.labels.get(key) {
        Some(value) => format!("has {key}={value}"),
        None => format!("has no label {key}"),
    };
    Some(format!("selects {key}={wanted}, and the workload {had}"))
}

fn listener(extension: &Extension, proxy: &Proxy<'_>) -> Option<String> {
    let direction = proxy.listener_direction();
    let traffic = &extension.spec.traffic;
    let applies = traffic.is_empty()
        || traffic
            .iter()
            .any(|entry| entry.selects_direction(direction));
    let has_choice = proxy.workload.workload.kind != ProxyKind::Gateway;
    let hint = match has_choice {
        true => format!(
            "; --direction {} replays the traffic that it is for",
            direction.opposite().name()
        ),
        false => String::new(),
    };
    (!applies).then(|| format!("has a match without {} listeners{hint}", direction.name()))
}

fn left_out(filter: &Filter) -> &'static str {
    match filter {
        Filter::Lua => "attaches, but is a Lua script",
        Filter::Wasm(_) => "attaches, but is a network filter",
    }
}
