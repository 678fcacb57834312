//! The HTTP connection manager with Istio's inbound settings.

use serde_json::{Map, Value, json};

use super::{extension, http_filter};

/// `meshConfig.pathNormalization.normalization`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PathNormalization {
    /// Paths stay as they are.
    None,
    /// RFC 3986 normalisation; Istio's default.
    #[default]
    Base,
    /// And `//` becomes `/`.
    MergeSlashes,
    /// And `%2F`, `%5C` are decoded first.
    DecodeAndMergeSlashes,
}

impl PathNormalization {
    fn settings(self) -> Value {
        let escaped = match self {
            Self::DecodeAndMergeSlashes => "UNESCAPE_AND_FORWARD",
            Self::None | Self::Base | Self::MergeSlashes => "KEEP_UNCHANGED",
        };
        json!({
            "normalize_path": self != Self::None,
            "merge_slashes": matches!(self, Self::MergeSlashes | Self::DecodeAndMergeSlashes),
            "path_with_escaped_slashes_action": escaped,
        })
    }
}

/// A connection manager; [`HttpConnectionManager::to_json`] is a network filter.
#[derive(Debug, Clone)]
pub struct HttpConnectionManager {
    normalization: PathNormalization,
    filters: Vec<Value>,
    access_logs: Vec<Value>,
    route: Value,
    overrides: Map<String, Value>,
}

impl HttpConnectionManager {
    /// Every request goes to `cluster`.
    #[must_use]
    pub fn to_cluster(cluster: &str) -> Self {
        Self::with_route(json!({"route": {"cluster": cluster, "timeout": "0s"}}))
    }

    /// Every request is answered by the router itself: a service without a network.
    #[must_use]
    pub fn direct_response(status: u16, body: &str) -> Self {
        Self::with_route(json!({
            "direct_response": {"status": status, "body": {"inline_string": body}},
        }))
    }

    fn with_route(route: Value) -> Self {
        Self {
            normalization: PathNormalization::default(),
            filters: Vec::new(),
            access_logs: Vec::new(),
            route,
            overrides: Map::new(),
        }
    }

    /// Path normalisation, [`PathNormalization::Base`] unless set.
    #[must_use]
    pub fn path_normalization(mut self, normalization: PathNormalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Appends an HTTP filter; the router comes last by itself.
    #[must_use]
    pub fn filter(mut self, filter: Value) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds an access log.
    #[must_use]
    pub fn access_log(mut self, log: Value) -> Self {
        self.access_logs.push(log);
        self
    }

    /// The upstream gets what `format` makes of the request after all filters: a command
    /// operator such as `%DYNAMIC_METADATA(…)%`. A header of that name is replaced, unless
    /// there is nothing to say.
    #[must_use]
    pub fn upstream_header(mut self, name: &str, format: &str) -> Self {
        let header = json!({
            "header": {"key": name, "value": format},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        });
        match &mut self.route["request_headers_to_add"] {
            Value::Array(headers) => headers.push(header),
            none => *none = json!([header]),
        }
        self
    }

    /// Sets any other field of `HttpConnectionManager`, by its name.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.overrides.insert(name.to_owned(), value);
        self
    }

    /// The network filter.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = istio_inbound();
        merge(&mut fields, self.normalization.settings());
        fields["http_filters"] = self
            .filters
            .iter()
            .cloned()
            .chain([http_filter::router()])
            .collect();
        fields["access_log"] = Value::Array(self.access_logs.clone());
        fields["route_config"] = self.route_config();
        merge(&mut fields, Value::Object(self.overrides.clone()));
        extension(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            fields,
        )
    }

    fn route_config(&self) -> Value {
        let mut route = self.route.clone();
        route["match"] = json!({"prefix": "/"});
        route["name"] = json!("default");
        // A CONNECT or `OPTIONS *` has no path that a prefix could match; they get 404.
        json!({
            "name": "inbound",
            "validate_clusters": false,
            "virtual_hosts": [{"name": "inbound|http|0", "domains": ["*"], "routes": [route]}],
        })
    }
}

/// What istiod sets on inbound listeners, as far as a filter can see it.
fn istio_inbound() -> Value {
    json!({
        "stat_prefix": "inbound",
        "server_name": "istio-envoy",
        "use_remote_address": false,
        "forward_client_cert_details": "APPEND_FORWARD",
        "set_current_client_cert_details": {"subject": true, "dns": true, "uri": true},
        "http_protocol_options": {"accept_http_10": true, "enable_trailers": true},
        "stream_idle_timeout": "0s",
    })
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    for (name, value) in more {
        into[name] = value;
    }
}
