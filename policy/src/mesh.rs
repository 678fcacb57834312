//! The fields of Istio's MeshConfig that change what policies mean.

use crate::diagnostic::{DiagnosticCode, Diagnostics, quote};
use crate::duration;
use crate::json::{Node, Object};
use crate::path_normalization::Normalization;

/// Time that Envoy waits for an external authorizer if nothing else is said.
const DEFAULT_TIMEOUT_MS: u32 = 600_000;

/// `mesh` of pluginConfig, under MeshConfig's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mesh {
    /// `trustDomain`.
    pub trust_domain: String,
    /// `trustDomainAliases`.
    pub trust_domain_aliases: Vec<String>,
    /// `rootNamespace`: its policies apply to every namespace.
    pub root_namespace: String,
    /// `pathNormalization.normalization`: what Envoy did to `:path` before.
    pub path_normalization: Normalization,
    /// `extensionProviders`: external authorizers by name.
    pub extension_providers: Vec<ExtensionProvider>,
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: Vec::new(),
            root_namespace: "istio-system".to_owned(),
            path_normalization: Normalization::default(),
            extension_providers: Vec::new(),
        }
    }
}

/// One entry of `extensionProviders`.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizerProtocol {
    /// `envoyExtAuthzGrpc`.
    Grpc,
    /// `envoyExtAuthzHttp`.
    Http(HttpAuthorizer),
}

/// What only `envoyExtAuthzHttp` has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

impl Mesh {
    /// Reads `mesh`.
    pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Self {
        let mut mesh = Self::default();
        let Some(mut object) = node.object(diagnostics) else {
            return mesh;
        };
        if let Some(domain) = object.take("trustDomain") {
            mesh.trust_domain = owned(domain.text(diagnostics));
        }
        if let Some(aliases) = object.take("trustDomainAliases") {
            mesh.trust_domain_aliases = strings(&aliases, diagnostics);
        }
        if let Some(namespace) = object.take("rootNamespace") {
            mesh.root_namespace = owned(namespace.text(diagnostics));
        }
        if let Some(normalization) = object.take("pathNormalization") {
            mesh.path_normalization = read_normalization(&normalization, diagnostics);
        }
        if let Some(providers) = object.take("extensionProviders") {
            mesh.extension_providers = read_providers(&providers, diagnostics);
        }
        object.finish(diagnostics);
        mesh
    }
}

/// An error has been pushed when there is nothing; the value is not used then.
fn owned(text: Option<&str>) -> String {
    text.map(str::to_owned).unwrap_or_default()
}

fn strings(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<String> {
    let strings = node.texts(diagnostics).unwrap_or_default();
    strings
        .into_iter()
        .map(|(text, _)| text.to_owned())
        .collect()
}

fn read_normalization(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Normalization {
    let Some(mut object) = node.object(diagnostics) else {
        return Normalization::default();
    };
    let mode = object.take("normalization");
    object.finish(diagnostics);
    mode.and_then(|mode| mode.one_of(&Normalization::NAMES, diagnostics))
        .unwrap_or_default()
}

fn read_providers(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<ExtensionProvider> {
    let mut providers: Vec<ExtensionProvider> = Vec::new();
    for node in node.items(diagnostics).unwrap_or_default() {
        let Some(provider) = read_provider(&node, diagnostics) else {
            continue;
        };
        if providers.iter().any(|known| known.name == provider.name) {
            let expected = "a name that no other provider has";
            diagnostics.error(
                DiagnosticCode::DuplicateProvider,
                node.path(),
                quote(&provider.name),
                expected,
            );
        } else {
            providers.push(provider);
        }
    }
    providers
}

fn read_provider(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<ExtensionProvider> {
    let mut object = node.object(diagnostics)?;
    let name = object.require("name", diagnostics);
    let http = object.take("envoyExtAuthzHttp");
    let grpc = object.take("envoyExtAuthzGrpc");
    object.finish(diagnostics);
    let name = name.and_then(|name| name.text(diagnostics));
    let provider = match (&http, &grpc) {
        (Some(http), None) => read_authorizer(http, true, diagnostics),
        (None, Some(grpc)) => read_authorizer(grpc, false, diagnostics),
        (None, None) | (Some(_), Some(_)) => {
            let expected = "either envoyExtAuthzHttp or envoyExtAuthzGrpc";
            node.error(DiagnosticCode::InvalidProvider, expected, diagnostics);
            None
        }
    };
    Some(ExtensionProvider {
        name: name?.to_owned(),
        ..provider?
    })
}

fn read_authorizer(
    node: &Node<'_>,
    http: bool,
    diagnostics: &mut Diagnostics,
) -> Option<ExtensionProvider> {
    let mut object = node.object(diagnostics)?;
    let service = object.require("service", diagnostics);
    let port = object.require("port", diagnostics);
    let timeout = object.take("timeout");
    let fail_open = object.take("failOpen");
    let status = object.take("statusOnError");
    let body = object.take("includeRequestBodyInCheck");
    // The adapter's edits of request headers clear the route cache anyway (ABI 0.2.1 in Envoy).
    let clear_route_cache = object.take("clearRouteCache");
    let protocol = if http {
        AuthorizerProtocol::Http(read_http(&mut object, diagnostics))
    } else {
        AuthorizerProtocol::Grpc
    };
    object.finish(diagnostics);
    if let Some(body) = &body {
        let expected =
            "no body: Envoy does not give a Wasm filter the body before it decides on the headers";
        body.error(DiagnosticCode::NotPossibleInWasm, expected, diagnostics);
    }
    clear_route_cache.map(|node| node.boolean(diagnostics));
    let host = service.and_then(|service| read_service(&service, diagnostics));
    let port = port.and_then(|port| port.integer(1..=65_535_u16, diagnostics));
    Some(ExtensionProvider {
        name: String::new(),
        timeout_ms: timeout.map_or(Some(DEFAULT_TIMEOUT_MS), |node| {
            duration::milliseconds(&node, diagnostics)
        })?,
        fail_open: fail_open.map_or(Some(false), |node| node.boolean(diagnostics))?,
        status_on_error: status.map_or(Some(403), |node| read_status(&node, diagnostics))?,
        protocol,
        cluster: format!("outbound|{}||{}", port?, host?),
    })
}

/// `[namespace/]host`; the namespace only tells Istio which of several services
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
    let status = text
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status));
    if status.is_none() {
        node.error(
            DiagnosticCode::OutOfRange,
            "an HTTP status from \"200\" to \"599\"",
            diagnostics,
        );
    }
    status
}

fn read_http(object: &mut Object<'_>, diagnostics: &mut Diagnostics) -> HttpAuthorizer {
    let mut http = HttpAuthorizer::default();
    if let Some(node) = object.take("pathPrefix") {
        http.path_prefix = owned(node.string(diagnostics));
        if !http.path_prefix.is_empty() && !http.path_prefix.starts_with('/') {
            node.error(
                DiagnosticCode::InvalidProvider,
                "a path that begins with /",
                diagnostics,
            );
        }
    }
    // Istio's older name of the same list; the newer one wins where both stand.
    if let Some(node) = object.take("includeHeadersInCheck") {
        http.include_request_headers = strings(&node, diagnostics);
    }
    if let Some(node) = object.take("includeAdditionalHeadersInCheck") {
        let pairs = node.string_map(diagnostics).unwrap_or_default();
        http.include_additional_headers = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    }
    let lists: [(&str, &mut Vec<String>); 4] = [
        (
            "includeRequestHeadersInCheck",
            &mut http.include_request_headers,
        ),
        (
            "headersToUpstreamOnAllow",
            &mut http.headers_to_upstream_on_allow,
        ),
        (
            "headersToDownstreamOnDeny",
            &mut http.headers_to_downstream_on_deny,
        ),
        (
            "headersToDownstreamOnAllow",
            &mut http.headers_to_downstream_on_allow,
        ),
    ];
    for (key, list) in lists {
        if let Some(node) = object.take(key) {
            *list = strings(&node, diagnostics);
        }
    }
    http
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(value: &Value) -> (Mesh, Vec<DiagnosticCode>) {
        let mut diagnostics = Diagnostics::default();
        let mesh = Mesh::read(&Node::new(value, "mesh"), &mut diagnostics);
        (
            mesh,
            diagnostics
                .iter()
                .map(|diagnostic| diagnostic.code)
                .collect(),
        )
    }

    #[test]
    fn nothing_said_is_istios_defaults() {
        let (mesh, codes) = read(&json!({}));
        assert_eq!((mesh, codes), (Mesh::default(), vec![]));
        assert_eq!(Mesh::default().trust_domain, "cluster.local");
        assert_eq!(Mesh::default().root_namespace, "istio-system");
    }

    #[test]
    fn every_field_is_read() {
        let (mesh, codes) = read(&json!({
            "trustDomain": "td", "trustDomainAliases": ["old"], "rootNamespace": "root",
            "pathNormalization": {"normalization": "MERGE_SLASHES"},
            "extensionProviders": [
                {"name": "h", "envoyExtAuthzHttp": {
                    "service": "ns/authz.example", "port": 8000, "timeout": "2s", "failOpen": true,
                    "statusOnError": "503", "pathPrefix": "/check", "clearRouteCache": true,
                    "includeHeadersInCheck": ["old"], "includeRequestHeadersInCheck": ["x-a", "x-b*"],
                    "includeAdditionalHeadersInCheck": {"x-c": "1"}, "headersToUpstreamOnAllow": ["u"],
                    "headersToDownstreamOnDeny": ["d"], "headersToDownstreamOnAllow": ["a"]}},
                {"name": "g", "envoyExtAuthzGrpc": {"service": "authz", "port": 9000}},
            ],
        }));
        assert_eq!(codes, []);
        assert_eq!(mesh.trust_domain_aliases, ["old"]);
        assert_eq!(mesh.root_namespace, "root");
        assert_eq!(mesh.path_normalization, Normalization::MergeSlashes);
        let [http, grpc] = mesh.extension_providers.as_slice() else {
            panic!("{mesh:?}")
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
            (DEFAULT_TIMEOUT_MS, false, 403)
        );
        assert_eq!(grpc.protocol, AuthorizerProtocol::Grpc);
    }

    #[test]
    fn a_mistake_in_a_provider_is_named() {
        use DiagnosticCode as C;
        let with = |change: Value| {
            let mut grpc = json!({"service": "a", "port": 1});
            grpc.as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            read(&json!({"extensionProviders": [{"name": "p", "envoyExtAuthzGrpc": grpc}]})).1
        };
        assert_eq!(with(json!({})), []);
        assert_eq!(with(json!({"port": 0})), [C::OutOfRange]);
        assert_eq!(with(json!({"port": 65536})), [C::OutOfRange]);
        assert_eq!(with(json!({"service": "*.x"})), [C::InvalidProvider]);
        assert_eq!(with(json!({"timeout": "0s"})), [C::InvalidDuration]);
        assert_eq!(with(json!({"statusOnError": "199"})), [C::OutOfRange]);
        assert_eq!(with(json!({"statusOnError": 500})), [C::WrongType]);
        assert_eq!(with(json!({"failOpen": "yes"})), [C::WrongType]);
        assert_eq!(with(json!({"pathPrefix": "/x"})), [C::UnknownKey]);
        assert_eq!(
            with(json!({"includeRequestBodyInCheck": {}})),
            [C::NotPossibleInWasm]
        );
    }

    #[test]
    fn providers_need_a_name_of_their_own_and_one_protocol() {
        use DiagnosticCode as C;
        let grpc = json!({"service": "a", "port": 1});
        let named = |name: &str| json!({"name": name, "envoyExtAuthzGrpc": grpc});
        assert_eq!(
            read(&json!({"extensionProviders": [named("a"), named("a")]})).1,
            [C::DuplicateProvider]
        );
        assert_eq!(
            read(&json!({"extensionProviders": [{"name": "a"}]})).1,
            [C::InvalidProvider]
        );
        assert_eq!(
            read(&json!({"extensionProviders": [{"envoyExtAuthzGrpc": grpc}]})).1,
            [C::MissingKey]
        );
        let both = json!({"name": "a", "envoyExtAuthzGrpc": grpc, "envoyExtAuthzHttp": grpc});
        assert_eq!(
            read(&json!({"extensionProviders": [both]})).1,
            [C::InvalidProvider]
        );
    }

    #[test]
    fn unknown_settings_are_refused() {
        use DiagnosticCode as C;
        assert_eq!(read(&json!({"trustDomian": "x"})).1, [C::UnknownKey]);
        assert_eq!(
            read(&json!({"pathNormalization": {"normalization": "base"}})).1,
            [C::UnknownValue]
        );
        assert_eq!(
            read(&json!({"pathNormalization": {"mode": "BASE"}})).1,
            [C::UnknownKey]
        );
        assert_eq!(read(&json!([])).1, [C::WrongType]);
        assert_eq!(read(&json!({"trustDomain": ""})).1, [C::EmptyValue]);
    }
}
