//! Names of services, short and in full.

use crate::short_text;

/// Domain of a cluster's services, where nobody configures another.
const CLUSTER_DOMAIN: &str = "svc.cluster.local";

/// A host that a resource of `namespace` names, in full and in lower case.
pub(crate) fn in_full(host: &str, namespace: &str) -> String {
    let mut host = host.to_ascii_lowercase();
    if host.contains(':') {
        // RFC 3986 section 3.2.2: so the authority has an IPv6 address.
        host = ["[", &host, "]"].concat();
    } else if !host.contains(['.', '*']) {
        host = format!("{host}.{namespace}.{CLUSTER_DOMAIN}");
    }
    host
}

/// The namespace of a service; `None` for hosts that are no services of the cluster.
pub(crate) fn namespace(host: &str) -> Option<&str> {
    let (service, domain) = short_text::split_once(host, ".svc.")?;
    let (name, namespace) = service.split_once('.')?;
    let is_service = !name.is_empty() && !namespace.contains('.') && !domain.is_empty();
    is_service.then_some(namespace)
}

/// The names by which sidecars in `namespace` may ask for a host: a service has short
/// ones too, and one of their own namespace the shortest.
pub(crate) fn names_in_mesh(full_name: &str, namespace: &str) -> Vec<String> {
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

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_short_name_is_a_service_of_the_rules_namespace() {
        assert_eq!(in_full("Shop", "prod"), "shop.prod.svc.cluster.local");
        for host in [
            "shop.prod",
            "shop.example.com",
            "*",
            "*.example.com",
            "10.0.0.1",
        ] {
            assert_eq!(in_full(host, "prod"), host);
        }
        assert_eq!(in_full("2001:DB8::1", "prod"), "[2001:db8::1]");
    }

    #[test]
    fn a_service_says_its_namespace() {
        assert_eq!(namespace("shop.prod.svc.cluster.local"), Some("prod"));
        for host in ["shop", "shop.prod", "shop.svc.x", "a.b.c.svc.x", ".b.svc.x"] {
            assert_eq!(namespace(host), None, "{host}");
        }
    }

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
            // None of a service.
            (
                "a.b.c.svc.cluster.local",
                "n",
                "c",
                &["a.b.c.svc.cluster.local"],
            ),
            ("a.svc.cluster.local", "n", "n", &["a.svc.cluster.local"]),
            (
                "*.n.svc.cluster.local",
                "n",
                "n",
                &["*.n.svc.cluster.local"],
            ),
            ("*", "n", "n", &["*"]),
        ];
        for (host, namespace, client, expected) in table {
            assert_eq!(names_in_mesh(&in_full(host, namespace), client), expected);
        }
    }
}
