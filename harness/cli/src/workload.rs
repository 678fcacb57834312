//! `--workload`: whose proxy is simulated.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sluice_policy::workload::Service;
use sluice_policy::{ProxyKind, Workload};

/// The keys that are no labels.
pub const KEYS: [&str; 5] = ["namespace", "kind", "name", "cluster", "serviceAccount"];

/// The workload behind the simulated proxy, with the node facts that Istio
/// puts into Envoy's bootstrap for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadOption {
    /// Namespace, labels and kind: what policies attach to.
    pub workload: Workload,
    /// `NAME` in the node metadata; the pod's name.
    pub name: Option<String>,
    /// `CLUSTER_ID`.
    pub cluster: Option<String>,
    /// `SERVICE_ACCOUNT`.
    pub service_account: Option<String>,
}

impl Default for WorkloadOption {
    fn default() -> Self {
        let workload = Workload {
            namespace: "default".to_owned(),
            ..Workload::default()
        };
        Self {
            workload,
            name: None,
            cluster: None,
            service_account: None,
        }
    }
}

/// A `--workload` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadError(String);

impl fmt::Display for WorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WorkloadError {}

impl fmt::Display for WorkloadOption {
    /// The namespace, kind and labels as understood, defaults and all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Workload {
            namespace,
            kind,
            labels,
            ..
        } = &self.workload;
        write!(f, "namespace={namespace},kind={}", kind_name(*kind))?;
        if let Some(name) = &self.name {
            write!(f, ",name={name}")?;
        }
        labels
            .iter()
            .try_for_each(|(key, value)| write!(f, ",{key}={value}"))
    }
}

impl FromStr for WorkloadOption {
    type Err = WorkloadError;

    /// `namespace=…,kind=…,name=…,cluster=…,serviceAccount=…` and any label as
    /// `KEY=VALUE`; a label that has the name of one of these is `label:KEY=VALUE`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut option = Self::default();
        let mut seen = BTreeMap::new();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                WorkloadError(format!(
                    "found `{part}`, expected KEY=VALUE [workload-syntax]"
                ))
            })?;
            if matches!(key, "" | "label:") {
                return Err(WorkloadError(format!(
                    "found no key in `{part}`, expected KEY=VALUE [workload-syntax]"
                )));
            }
            if seen.insert(key.to_owned(), ()).is_some() {
                return Err(WorkloadError(format!(
                    "found `{key}` twice, expected each key once [workload-duplicate-key]"
                )));
            }
            option.set(key, value)?;
        }
        option.complete();
        Ok(option)
    }
}

/// The label by which Istio marks the proxies of a Gateway, waypoints included.
const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";

impl WorkloadOption {
    /// Gives a gateway or waypoint the label that its proxies have in a cluster.
    fn complete(&mut self) {
        let labels = &mut self.workload.labels;
        if self.workload.kind != ProxyKind::Sidecar
            && let Some(name) = &self.name
            && labels.get(GATEWAY_LABEL).is_none()
        {
            labels.insert(GATEWAY_LABEL.to_owned(), name.clone());
        }
        self.workload.gateway = labels.get(GATEWAY_LABEL).cloned();
    }

    /// The workload as manifests may refer to it. What a waypoint serves is
    /// known to the cluster alone; `name` says which Service or ServiceEntry
    /// this one stands for.
    pub fn as_target(&self) -> Workload {
        let mut workload = self.workload.clone();
        if workload.kind != ProxyKind::Sidecar
            && let Some(name) = &self.name
        {
            workload.gateway = Some(name.clone());
            workload
                .services
                .extend(["Service", "ServiceEntry"].map(|kind| Service {
                    kind: kind.to_owned(),
                    name: name.clone(),
                    namespace: workload.namespace.clone(),
                }));
        }
        workload
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), WorkloadError> {
        match key {
            "namespace" => value.clone_into(&mut self.workload.namespace),
            "kind" => self.workload.kind = kind(value)?,
            "name" => self.name = Some(value.to_owned()),
            "cluster" => self.cluster = Some(value.to_owned()),
            "serviceAccount" => self.service_account = Some(value.to_owned()),
            label => {
                let label = label.strip_prefix("label:").unwrap_or(label);
                self.workload
                    .labels
                    .insert(label.to_owned(), value.to_owned());
            }
        }
        if key == "namespace" && value.is_empty() {
            return Err(WorkloadError(
                "found an empty namespace, expected its name [workload-namespace]".to_owned(),
            ));
        }
        Ok(())
    }
}

fn kind(value: &str) -> Result<ProxyKind, WorkloadError> {
    match value {
        "sidecar" => Ok(ProxyKind::Sidecar),
        "gateway" => Ok(ProxyKind::Gateway),
        "waypoint" => Ok(ProxyKind::Waypoint),
        other => Err(WorkloadError(format!(
            "found kind `{other}`, expected one of sidecar, gateway, waypoint [workload-kind]"
        ))),
    }
}

fn kind_name(kind: ProxyKind) -> &'static str {
    match kind {
        ProxyKind::Sidecar => "sidecar",
        ProxyKind::Gateway => "gateway",
        ProxyKind::Waypoint => "waypoint",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_namespace_labels_and_kind() {
        let option: WorkloadOption =
            "namespace=production,app=payment-service,label:name=x,kind=gateway,version=v1"
                .parse()
                .unwrap();
        assert_eq!(option.workload.namespace, "production");
        assert_eq!(option.workload.kind, ProxyKind::Gateway);
        let labels: Vec<_> = option
            .workload
            .labels
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!(labels, ["app=payment-service", "name=x", "version=v1"]);
    }

    #[test]
    fn a_gateway_has_the_label_of_one() {
        let option: WorkloadOption = "namespace=edge,kind=gateway,name=public".parse().unwrap();
        assert_eq!(option.workload.labels.get(GATEWAY_LABEL).unwrap(), "public");
        assert_eq!(option.workload.gateway.as_deref(), Some("public"));
    }

    #[test]
    fn a_waypoint_stands_for_what_its_name_says() {
        let option: WorkloadOption = "namespace=shop,kind=waypoint,name=pay".parse().unwrap();
        let services = option.as_target().services;
        assert_eq!(
            services
                .iter()
                .map(|service| service.kind.as_str())
                .collect::<Vec<_>>(),
            ["Service", "ServiceEntry"]
        );
        assert_eq!(option.as_target().gateway.as_deref(), Some("pay"));
        // The proxy's node does not tell, so the plugins do not know.
        assert_eq!(option.workload.services, []);
        let sidecar: WorkloadOption = "namespace=shop,name=pay".parse().unwrap();
        assert_eq!(sidecar.as_target(), sidecar.workload);
    }

    #[test]
    fn is_written_as_it_is_understood() {
        let option: WorkloadOption = "app=payment,name=pay-0".parse().unwrap();
        assert_eq!(
            option.to_string(),
            "namespace=default,kind=sidecar,name=pay-0,app=payment"
        );
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for text in [
            "",
            "app",
            "=x",
            "label:=x",
            "a=1,",
            "namespace=",
            "kind=pod",
            "a=1,a=2",
        ] {
            assert!(text.parse::<WorkloadOption>().is_err(), "{text}");
        }
    }
}
