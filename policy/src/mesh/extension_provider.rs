//! `extensionProviders`: external authorizers by name.

use crate::diagnostic::{DiagnosticCode, Diagnostics, quote};
use crate::duration;
use crate::field;
use crate::json::{Node, Object};

/// Time that Envoy waits for an external authorizer if nothing else is said.
const DEFAULT_TIMEOUT_MS: u32 = 600_000;

/// HTTP status for a failed check if nothing else is said.
const DEFAULT_STATUS_ON_ERROR: u16 = 403;

/// Providers of other things than authorization. They may stand in the list,
/// which people paste whole, and no policy can use them.
const NOT_AUTHORIZERS: [&str; 13] = [
    "zipkin",
    "lightstep",
    "datadog",
    "stackdriver",
    "opencensus",
    "skywalking",
    "opentelemetry",
    "prometheus",
    "envoyFileAccessLog",
    "envoyHttpAls",
    "envoyTcpAls",
    "envoyOtelAls",
    "sds",
];

/// An external authorizer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExtensionProvider {
    /// Name that policies refer to.
    pub name: String,
    /// Envoy cluster, `outbound|PORT||HOST`.
    pub cluster: String,
    /// Limit of the whole call.
    pub timeout_ms: u32,
    /// Whether a failed check lets the request pass.
    pub fail_open: bool,
    /// HTTP status for a failed check otherwise.
    pub status_on_error: u16,
    /// What is spoken.
    pub protocol: AuthorizerProtocol,
}

/// What an external authorizer speaks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AuthorizerProtocol {
    /// `envoyExtAuthzGrpc`.
    Grpc,
    /// `envoyExtAuthzHttp`.
    Http(HttpAuthorizer),
}

/// What only `envoyExtAuthzHttp` has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HttpAuthorizer {
    /// Goes before the original path.
    pub path_prefix: String,
    /// `includeRequestHeadersInCheck`: header names, `x-*` and `*-x` allowed.
    pub include_request_headers: Vec<String>,
    /// `includeAdditionalHeadersInCheck`: sent whatever the request has.
    pub include_additional_headers: Vec<(String, String)>,
    /// `headersToUpstreamOnAllow`.
    pub headers_to_upstream_on_allow: Vec<String>,
    /// `headersToDownstreamOnDeny`.
    pub headers_to_downstream_on_deny: Vec<String>,
    /// `headersToDownstreamOnAllow`.
    pub headers_to_downstream_on_allow: Vec<String>,
}

/// Reads the list; those that could be read.
pub fn read_all(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<ExtensionProvider> {
    let mut names: Vec<&str> = Vec::new();
    let mut providers = Vec::new();
    let Some(nodes) = node.items(diagnostics) else {
        return providers;
    };
    for node in nodes {
        let Some((name, provider)) = read_entry(&node, diagnostics) else {
            continue;
        };
        if names.contains(&name) {
            let expected = "a name that no other provider has";
            diagnostics.error(
                DiagnosticCode::DuplicateProvider,
                node.path(),
                quote(name),
                expected,
            );
        }
        names.push(name);
        providers.extend(provider);
    }
    providers
}

/// The name of an entry, and the authorizer if it is one.
fn read_entry<'v>(
    node: &Node<'v>,
    diagnostics: &mut Diagnostics,
) -> Option<(&'v str, Option<ExtensionProvider>)> {
    let mut object = node.object(diagnostics)?;
    let name = object
        .require("name", diagnostics)
        .and_then(|name| name.text(diagnostics));
    let http = object.take("envoyExtAuthzHttp");
    let grpc = object.take("envoyExtAuthzGrpc");
    let others = NOT_AUTHORIZERS
        .into_iter()
        .filter(|key| object.take(key).is_some())
        .count();
    object.finish(diagnostics);
    let name_or_nothing = name.unwrap_or_default();
    let provider = match (http, grpc, others) {
        (Some(http), None, 0) => read_authorizer(name_or_nothing, &http, true, diagnostics),
        (None, Some(grpc), 0) => read_authorizer(name_or_nothing, &grpc, false, diagnostics),
        (None, None, 1) => None,
        _ => {
            let expected = "one provider, such as envoyExtAuthzHttp or envoyExtAuthzGrpc";
            node.error(DiagnosticCode::InvalidProvider, expected, diagnostics);
            None
        }
    };
    name.map(|name| (name, provider))
}

fn read_authorizer(
    name: &str,
    node: &Node<'_>,
    is_http: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ExtensionProvider> {
    let mut object = node.object(diagnostics)?;
    let service = object.require("service", diagnostics);
    let port = object.require("port", diagnostics);
    let timeout = object.take("timeout");
    let fail_open = object.take("failOpen");
    let status = object.take("statusOnError");
    ignore_body_and_route_cache(&mut object, diagnostics);
    let protocol = match is_http {
        true => AuthorizerProtocol::Http(read_http(&mut object, diagnostics)),
        false => AuthorizerProtocol::Grpc,
    };
    object.finish(diagnostics);
    // Everything is read before the first failure counts: all errors in one pass.
    let host = service.and_then(|service| read_service(&service, diagnostics));
    let port = port.and_then(|port| port.integer(1..=65_535_u16, diagnostics));
    let timeout_ms = timeout.map_or(Some(DEFAULT_TIMEOUT_MS), |node| {
        duration::milliseconds(&node, diagnostics)
    });
    let fail_open = fail_open.map_or(Some(false), |node| node.boolean(diagnostics));
    let status_on_error = status.map_or(Some(DEFAULT_STATUS_ON_ERROR), |node| {
        read_status(&node, diagnostics)
    });
    Some(ExtensionProvider {
        name: name.to_owned(),
        cluster: format!("outbound|{}||{}", port?, host?),
        timeout_ms: timeout_ms?,
        fail_open: fail_open?,
        status_on_error: status_on_error?,
        protocol,
    })
}

/// Two settings that have no effect here. Without the body, an authorizer could
/// be asked to judge what it was not shown, so that one is refused.
fn ignore_body_and_route_cache(object: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    if let Some(body) = object.take("includeRequestBodyInCheck") {
        let expected =
            "no body: Envoy does not give a Wasm filter the body before it decides on the headers";
        body.error(DiagnosticCode::NotPossibleInWasm, expected, diagnostics);
    }
    // Header edits of a Wasm filter clear the route cache in any case.
    if let Some(clear) = object.take("clearRouteCache") {
        clear.boolean(diagnostics);
    }
}

/// `[NAMESPACE/]HOST`; the namespace only tells Istio which of several services
/// of that name is meant, and the cluster's name does not have it.
fn read_service<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let service = node.text(diagnostics)?;
    let host = service.split_once('/').map_or(service, |(_, host)| host);
    if host.is_empty() || host.contains(['/', '|', '*']) {
        node.error(
            DiagnosticCode::InvalidProvider,
            "HOST or NAMESPACE/HOST",
            diagnostics,
        );
        return None;
    }
    Some(host)
}

/// MeshConfig has the status as a string.
fn read_status(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u16> {
    let text = node.string(diagnostics)?;
    match text.parse() {
        Ok(status @ 200..=599) => Some(status),
        _ => {
            node.error(
                DiagnosticCode::OutOfRange,
                "an HTTP status from \"200\" to \"599\"",
                diagnostics,
            );
            None
        }
    }
}

fn read_http(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> HttpAuthorizer {
    // Istio's older name of the same list; the newer one wins where both stand.
    let older = names(object, "includeHeadersInCheck", diagnostics);
    let newer = names(object, "includeRequestHeadersInCheck", diagnostics);
    HttpAuthorizer {
        path_prefix: read_path_prefix(object, diagnostics),
        include_request_headers: if newer.is_empty() { older } else { newer },
        include_additional_headers: read_additional_headers(object, diagnostics),
        headers_to_upstream_on_allow: names(object, "headersToUpstreamOnAllow", diagnostics),
        headers_to_downstream_on_deny: names(object, "headersToDownstreamOnDeny", diagnostics),
        headers_to_downstream_on_allow: names(object, "headersToDownstreamOnAllow", diagnostics),
    }
}

fn read_path_prefix(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> String {
    let Some(node) = object.take("pathPrefix") else {
        return String::new();
    };
    let Some(prefix) = node.string(diagnostics) else {
        return String::new();
    };
    if !prefix.is_empty() && !prefix.starts_with('/') {
        node.error(
            DiagnosticCode::InvalidProvider,
            "a path that begins with /",
            diagnostics,
        );
    }
    prefix.to_owned()
}

fn read_additional_headers(
    object: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, String)> {
    let Some(node) = object.take("includeAdditionalHeadersInCheck") else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (name, node) in node.entries(diagnostics).unwrap_or_default() {
        let Some(value) = node.string(diagnostics) else {
            continue;
        };
        if !field::is_name(name) {
            let (code, expected) = (DiagnosticCode::InvalidProvider, "the name of a header");
            diagnostics.error(code, node.path(), quote(name), expected);
        }
        if !field::is_value(value.as_bytes()) {
            let expected = "a value without control characters";
            node.error(DiagnosticCode::InvalidProvider, expected, diagnostics);
        }
        pairs.push((name.to_owned(), value.to_owned()));
    }
    pairs
}

fn names(object: &mut Object<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<String> {
    let Some(node) = object.take(key) else {
        return Vec::new();
    };
    let names = node.texts(diagnostics).unwrap_or_default();
    for (name, node) in &names {
        if !is_name_pattern(name) {
            let expected = "the name of a header, or its beginning before `*` or end after it";
            node.error(DiagnosticCode::InvalidProvider, expected, diagnostics);
        }
    }
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// A name, or one with a `*` at one end; `*` alone is every name.
fn is_name_pattern(text: &str) -> bool {
    let stripped = text.strip_prefix('*').or_else(|| text.strip_suffix('*'));
    let name = stripped.unwrap_or(text);
    text == "*" || field::is_name(name) && !name.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(providers: &Value) -> (Vec<ExtensionProvider>, Vec<DiagnosticCode>) {
        let mut diagnostics = Diagnostics::new();
        let providers = read_all(
            &Node::new(providers, "mesh.extensionProviders"),
            &mut diagnostics,
        );
        (
            providers,
            diagnostics.iter().map(|finding| finding.code).collect(),
        )
    }

    #[test]
    fn defaults_are_istios() {
        let (providers, codes) = read(
            &json!([{"name": "g", "envoyExtAuthzGrpc": {"service": "ns/authz", "port": 9000}}]),
        );
        assert_eq!(codes, []);
        let expected = ExtensionProvider {
            name: "g".into(),
            cluster: "outbound|9000||authz".into(),
            timeout_ms: 600_000,
            fail_open: false,
            status_on_error: 403,
            protocol: AuthorizerProtocol::Grpc,
        };
        assert_eq!(providers, [expected]);
    }

    #[test]
    fn the_newer_of_two_names_wins() {
        let http = json!({"service": "a", "port": 1, "includeHeadersInCheck": ["old"]});
        let included = |http: &Value| match read(&json!([{"name": "h", "envoyExtAuthzHttp": http}]))
            .0
            .as_slice()
        {
            [
                ExtensionProvider {
                    protocol: AuthorizerProtocol::Http(http),
                    ..
                },
            ] => http.include_request_headers.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(included(&http), ["old"]);
        let mut both = http.clone();
        both["includeRequestHeadersInCheck"] = json!(["new"]);
        assert_eq!(included(&both), ["new"]);
    }

    #[test]
    fn a_mistake_in_an_authorizer_is_named() {
        use DiagnosticCode as C;
        let with = |key: &str, value: Value| {
            let mut grpc = json!({"service": "a", "port": 1});
            grpc[key] = value;
            read(&json!([{"name": "p", "envoyExtAuthzGrpc": grpc}])).1
        };
        assert_eq!(with("clearRouteCache", json!(true)), []);
        assert_eq!(with("port", json!(0)), [C::OutOfRange]);
        assert_eq!(with("port", json!(65536)), [C::OutOfRange]);
        assert_eq!(with("service", json!("*.x")), [C::InvalidProvider]);
        assert_eq!(with("timeout", json!("0s")), [C::InvalidDuration]);
        assert_eq!(with("statusOnError", json!("199")), [C::OutOfRange]);
        assert_eq!(with("statusOnError", json!(500)), [C::WrongType]);
        assert_eq!(with("failOpen", json!("yes")), [C::WrongType]);
        assert_eq!(with("pathPrefix", json!("/x")), [C::UnknownKey]);
        assert_eq!(
            with("includeRequestBodyInCheck", json!({})),
            [C::NotPossibleInWasm]
        );
    }

    #[test]
    fn all_mistakes_are_found_in_one_pass() {
        use DiagnosticCode as C;
        let grpc = json!({"port": "1", "timeout": "x", "failOpen": 1, "statusOnError": "x"});
        let (_, codes) = read(&json!([{"envoyExtAuthzGrpc": grpc}]));
        let expected = [
            C::MissingKey,
            C::MissingKey,
            C::WrongType,
            C::InvalidDuration,
            C::WrongType,
            C::OutOfRange,
        ];
        assert_eq!(codes, expected);
    }

    #[test]
    fn an_entry_has_a_name_of_its_own_and_one_provider() {
        use DiagnosticCode as C;
        let grpc = json!({"service": "a", "port": 1});
        let named = |name: &str| json!({"name": name, "envoyExtAuthzGrpc": grpc});
        assert_eq!(
            read(&json!([named("a"), named("a")])).1,
            [C::DuplicateProvider]
        );
        assert_eq!(read(&json!([{"name": "a"}])).1, [C::InvalidProvider]);
        assert_eq!(
            read(&json!([{"envoyExtAuthzGrpc": grpc}])).1,
            [C::MissingKey]
        );
        let both = json!({"name": "a", "envoyExtAuthzGrpc": grpc, "envoyExtAuthzHttp": grpc});
        assert_eq!(read(&json!([both])).1, [C::InvalidProvider]);
    }

    #[test]
    fn other_providers_may_stand_in_the_list() {
        let (providers, codes) =
            read(&json!([{"name": "z", "zipkin": {"service": "z", "port": 1}}]));
        assert_eq!((providers, codes), (vec![], vec![]));
        assert_eq!(
            read(&json!([{"name": "z", "zipkim": {}}])).1,
            [DiagnosticCode::UnknownKey, DiagnosticCode::InvalidProvider]
        );
    }

    #[test]
    fn headers_must_be_sendable() {
        use DiagnosticCode as C;
        let with = |key: &str, value: Value| {
            let mut http = json!({"service": "a", "port": 1});
            http[key] = value;
            read(&json!([{"name": "p", "envoyExtAuthzHttp": http}])).1
        };
        let added = "includeAdditionalHeadersInCheck";
        assert_eq!(with(added, json!({"x-a": "b c\t\u{e9}", "x_b": ""})), []);
        for name in ["", ":path", "x a", "x\r\ny", "x:", "\u{e9}"] {
            assert_eq!(
                with(added, json!({ name: "v" })),
                [C::InvalidProvider],
                "{name}"
            );
        }
        for value in ["a\rb", "a\nb", "a\0b"] {
            assert_eq!(with(added, json!({ "x": value })), [C::InvalidProvider]);
        }
        for list in [
            "includeHeadersInCheck",
            "includeRequestHeadersInCheck",
            "headersToUpstreamOnAllow",
            "headersToDownstreamOnDeny",
            "headersToDownstreamOnAllow",
        ] {
            assert_eq!(with(list, json!(["x-a", "X-*", "*-x", "*"])), [], "{list}");
            for name in [":path", "x y", "x-*-y", "*x*", "**", "x\n"] {
                assert_eq!(
                    with(list, json!([name])),
                    [C::InvalidProvider],
                    "{list} {name}"
                );
            }
        }
    }

    #[test]
    fn every_field_is_read() {
        let list = json!([
            {"name": "h", "envoyExtAuthzHttp": {
                "service": "ns/authz.example", "port": 8000, "timeout": "2s", "failOpen": true,
                "statusOnError": "503", "pathPrefix": "/check", "clearRouteCache": true,
                "includeHeadersInCheck": ["old"], "includeRequestHeadersInCheck": ["x-a", "x-b*"],
                "includeAdditionalHeadersInCheck": {"x-c": "1"}, "headersToUpstreamOnAllow": ["u"],
                "headersToDownstreamOnDeny": ["d"], "headersToDownstreamOnAllow": ["a"]}},
            {"name": "g", "envoyExtAuthzGrpc": {"service": "authz", "port": 9000}},
        ]);
        let mut diagnostics = Diagnostics::new();
        let providers = read_all(&Node::new(&list, "list"), &mut diagnostics);
        assert_eq!(diagnostics.to_string(), "");
        let [http, grpc] = providers.as_slice() else {
            panic!("{providers:?}")
        };
        assert_eq!(http.cluster, "outbound|8000||authz.example");
        assert_eq!(
            (http.timeout_ms, http.fail_open, http.status_on_error),
            (2_000, true, 503)
        );
        let AuthorizerProtocol::Http(options) = &http.protocol else {
            panic!("{http:?}")
        };
        assert_eq!(options.path_prefix, "/check");
        assert_eq!(options.include_request_headers, ["x-a", "x-b*"]);
        assert_eq!(
            options.include_additional_headers,
            [("x-c".to_owned(), "1".to_owned())]
        );
        assert_eq!(options.headers_to_upstream_on_allow, ["u"]);
        assert_eq!(options.headers_to_downstream_on_deny, ["d"]);
        assert_eq!(options.headers_to_downstream_on_allow, ["a"]);
        assert_eq!(grpc.cluster, "outbound|9000||authz");
        assert_eq!(
            (grpc.timeout_ms, grpc.fail_open, grpc.status_on_error),
            (600_000, false, 403)
        );
        assert_eq!(grpc.protocol, AuthorizerProtocol::Grpc);
    }
}
