//! URLs, clusters, refused hosts.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn remote(uri: &str) -> Remote {
    Remote::of(uri, &[], 5_000).unwrap()
}

fn refusal(uri: &str) -> String {
    Remote::of(uri, &[], 5_000).unwrap_err().to_string()
}

/// URL, then cluster, scheme, authority and path.
const FETCHED: [[&str; 5]; 10] = [
    [
        "https://a.example/keys",
        "outbound|443||a.example",
        "https",
        "a.example",
        "/keys",
    ],
    [
        "http://a.example/keys",
        "outbound|80||a.example",
        "http",
        "a.example",
        "/keys",
    ],
    [
        "https://a.example:8443/k",
        "outbound|8443||a.example",
        "https",
        "a.example:8443",
        "/k",
    ],
    [
        "https://a.example:443",
        "outbound|443||a.example",
        "https",
        "a.example",
        "/",
    ],
    [
        "https://a.example:/k",
        "outbound|443||a.example",
        "https",
        "a.example",
        "/k",
    ],
    [
        "HTTPS://A.Example/Keys?X=%20#f",
        "outbound|443||a.example",
        "https",
        "a.example",
        "/Keys?X=%20",
    ],
    [
        "https://a.example?x=/y",
        "outbound|443||a.example",
        "https",
        "a.example",
        "/?x=/y",
    ],
    [
        "http://10.0.0.1:8080/k",
        "outbound|8080||10.0.0.1",
        "http",
        "10.0.0.1:8080",
        "/k",
    ],
    [
        "https://[2001:DB8::1]:8443/k",
        "outbound|8443||2001:db8::1",
        "https",
        "[2001:db8::1]:8443",
        "/k",
    ],
    [
        "https://[::1]/k@x",
        "outbound|443||::1",
        "https",
        "[::1]",
        "/k@x",
    ],
];

#[test]
fn a_url_leads_to_a_cluster_and_the_head_of_a_request() {
    for [uri, cluster, scheme, authority, path] in FETCHED {
        let remote = remote(uri);
        let found = [
            &remote.cluster,
            remote.scheme,
            &remote.authority,
            &remote.path,
        ];
        assert_eq!(found, [cluster, scheme, authority, path], "{uri}");
        assert_eq!((remote.timeout_ms, remote.is_discovery), (5_000, false));
    }
}

#[test]
fn what_is_no_url_to_fetch_is_refused_with_the_reason() {
    let cases = [
        (
            "ftp://a.example/k",
            "a URL that begins with https:// or http://",
        ),
        ("a.example/k", "a URL that begins with https:// or http://"),
        ("", "a URL that begins with https:// or http://"),
        ("https://a.example:0/k", "a port from 1 to 65535"),
        ("https://a.example:65536/k", "a port from 1 to 65535"),
        ("https://a.example:+1/k", "a port from 1 to 65535"),
        (
            "https:///k",
            "a host: letters, digits, `-`, `_` and `.`, or an IP address",
        ),
        (
            "https://a..example/k",
            "a host: letters, digits, `-`, `_` and `.`, or an IP address",
        ),
        (
            "https://a|b/k",
            "a host: letters, digits, `-`, `_` and `.`, or an IP address",
        ),
        ("https://[::1/k", "an IPv6 address between brackets"),
        ("https://[a]/k", "an IPv6 address between brackets"),
        (
            "https://a.example/ä",
            "a URL of printable ASCII, other characters percent-encoded",
        ),
        (
            "https://a.example/\r\nx: y",
            "a URL of printable ASCII, other characters percent-encoded",
        ),
    ];
    for (uri, expected) in cases {
        assert_eq!(
            refusal(uri),
            format!("found {}, expected {expected}", quote(uri))
        );
    }
    let long = format!("https://a.example/{}", "k".repeat(2_048));
    assert!(refusal(&long).ends_with("expected a URL of at most 2048 bytes"));
}

#[test]
fn credentials_are_refused_and_not_repeated() {
    let found = refusal("https://user:secret@a.example/k");
    assert!(
        found.starts_with("found a URL with user name or password"),
        "{found}"
    );
    assert!(!found.contains("secret"));
    let issuer = Remote::discovery("https://user:secret@a.example", &[], 1);
    assert!(!issuer.unwrap_err().to_string().contains("secret"));
    // Others are told as they were written.
    let issuer = Remote::discovery("a@b.example", &[], 1).unwrap_err();
    assert!(issuer.found.ends_with("a@b.example\""), "{issuer}");
}

#[test]
fn link_local_and_metadata_hosts_are_refused_in_every_spelling() {
    let hosts = [
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "[fe80::1]",
        "[febf::1]",
        "[fd00:ec2::254]",
        "[fd00:ec2::23]",
        "[::ffff:169.254.169.254]",
        "[::169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "metadata.google.internal",
        "METADATA.Google.Internal.",
        "metadata",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
    ];
    for host in hosts {
        let found = refusal(&format!("http://{host}/latest"));
        assert!(found.ends_with(address_words()), "{host}: {found}");
    }
    for host in [
        "2852039166",
        "0xa9fea9fe",
        "169.254.43518",
        "0251.0376.0251.0376",
        "169.254.169.254.",
    ] {
        let found = refusal(&format!("http://{host}/latest"));
        assert!(found.contains("four decimal numbers"), "{host}: {found}");
    }
}

fn address_words() -> &'static str {
    "expected a host other than link-local addresses and metadata services of clouds"
}

#[test]
fn private_and_loopback_hosts_are_fetched_from_as_istio_does() {
    for host in [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "[fd00:ec3::1]",
        "[::1]",
        "[fec0::1]",
        "localhost",
        "0xyz",
    ] {
        remote(&format!("http://{host}/k"));
    }
}

fn mapping(host: &str, port: Option<u16>, cluster: &str) -> ClusterMapping {
    ClusterMapping {
        host: host.to_owned(),
        port,
        cluster: cluster.to_owned(),
    }
}

#[test]
fn a_mapping_wins_over_the_cluster_that_istio_would_make() {
    let clusters = [
        mapping("B.example", None, "any-port"),
        mapping("b.example", Some(8443), "that-port"),
        mapping("b.example", None, "too-late"),
    ];
    let cluster = |uri| Remote::of(uri, &clusters, 1).unwrap().cluster;
    assert_eq!(cluster("https://b.example/k"), "any-port");
    assert_eq!(cluster("https://b.example:8443/k"), "that-port");
    assert_eq!(cluster("https://bb.example/k"), "outbound|443||bb.example");
}

#[test]
fn a_mapping_does_not_permit_a_refused_host() {
    let clusters = [mapping("169.254.169.254", None, "metadata")];
    assert!(Remote::of("http://169.254.169.254/k", &clusters, 1).is_err());
}

#[test]
fn discovery_asks_below_the_issuer() {
    let clusters = [mapping("a.example", None, "mapped")];
    for issuer in ["https://a.example", "https://a.example/"] {
        let document = Remote::discovery(issuer, &clusters, 1).unwrap();
        assert_eq!(document.path, "/.well-known/openid-configuration");
        assert_eq!(
            (document.cluster.as_str(), document.is_discovery),
            ("mapped", true)
        );
        assert_eq!(document.clusters, clusters);
    }
    let realm = Remote::discovery("https://a.example/realms/x", &[], 1).unwrap();
    assert_eq!(realm.path, "/realms/x/.well-known/openid-configuration");
}

#[test]
fn an_issuer_that_is_no_url_cannot_be_discovered() {
    let bad = Remote::discovery("testing@secure.istio.io", &[], 1).unwrap_err();
    assert_eq!(bad.found, "\"testing@secure.istio.io\"");
    assert!(Remote::discovery("https://a.example/?x=", &[], 1).is_err());
    assert!(Remote::discovery("https://a.example/#x", &[], 1).is_err());
    assert!(Remote::discovery("", &[], 1).is_err());
}

#[test]
fn sources_that_differ_in_anything_have_identities_of_their_own() {
    let one = remote("https://a.example/keys").identity();
    assert_eq!(one, "jwks/outbound|443||a.example/https://a.example/keys");
    let mapped = Remote::of(
        "https://a.example/keys",
        &[mapping("a.example", None, "x")],
        1,
    );
    assert_ne!(mapped.unwrap().identity(), one);
    let document = Remote::discovery("https://a.example", &[], 1).unwrap();
    let same_url = remote("https://a.example/.well-known/openid-configuration");
    assert_ne!(document.identity(), same_url.identity());
}
