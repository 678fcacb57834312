//! The names under which a host is asked for.

/// The domain of a cluster's services, Istio's default.
const CLUSTER_DOMAIN: &str = "svc.cluster.local";

/// The names by which sidecars in `namespace` may ask for a host: a service has short
/// ones too, and one of their own namespace the shortest.
pub(super) fn in_mesh(full_name: &str, namespace: &str) -> Vec<String> {
    let mut names = vec![full_name.to_owned()];
    let service = full_name
        .strip_suffix(CLUSTER_DOMAIN)
        .and_then(|service| service.strip_suffix('.'));
    let Some((name, own)) = service.and_then(|service| service.split_once('.')) else {
        return names;
    };
    if own.is_empty() || own.contains('.') || name == "*" {
        return names;
    }
    names.push([name, ".", own, ".svc"].concat());
    names.push([name, ".", own].concat());
    if own == namespace {
        names.push(name.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination_rule::host_in_full;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_service_has_short_names() {
        let table = [
            (
                "b",
                "n",
                "n",
                &["b.n.svc.cluster.local", "b.n.svc", "b.n", "b"][..],
            ),
            ("b", "n", "m", &["b.n.svc.cluster.local", "b.n.svc", "b.n"]),
            (
                "b.m.svc.cluster.local",
                "n",
                "m",
                &["b.m.svc.cluster.local", "b.m.svc", "b.m", "b"],
            ),
            ("example.com", "n", "n", &["example.com"]),
            (
                "*.n.svc.cluster.local",
                "n",
                "n",
                &["*.n.svc.cluster.local"],
            ),
            ("*", "n", "n", &["*"]),
        ];
        for (host, namespace, client, expected) in table {
            assert_eq!(in_mesh(&host_in_full(host, namespace), client), expected);
        }
    }
}
