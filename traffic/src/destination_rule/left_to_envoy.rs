//! Fields that shape connections to endpoints: the cluster that Istio makes of the rule
//! has them, and a filter has no part in it.

use super::form::{Form, Key};

/// Most of an `int32`.
const INT32: Form = Form::Count(0x7fff_ffff);
/// Most of a `uint32`.
const UINT32: Form = Form::Count(0xffff_ffff);
/// As much of a `uint64` as JSON numbers hold in Istio's schema.
const UINT64: Form = Form::Count(i64::MAX);

/// `connectionPool.tcp`.
pub(super) const TCP: Form = Form::Object(&[
    Key::new("maxConnections", INT32),
    Key::new("connectTimeout", Form::Duration),
    Key::new(
        "tcpKeepalive",
        Form::Object(&[
            Key::new("probes", UINT32),
            Key::new("time", Form::Duration),
            Key::new("interval", Form::Duration),
        ]),
    ),
    Key::new("maxConnectionDuration", Form::Duration),
    Key::new("idleTimeout", Form::DurationOrZero),
]);

/// Of `connectionPool.http` what limits connections, not requests.
pub(super) const HTTP: [(&str, Form); 8] = [
    ("http1MaxPendingRequests", INT32),
    ("maxRequestsPerConnection", INT32),
    ("maxRetries", INT32),
    ("idleTimeout", Form::Duration),
    ("h2UpgradePolicy", UPGRADE),
    ("useClientProtocol", Form::Boolean),
    ("maxConcurrentStreams", INT32),
    (
        "http2KeepAlive",
        Form::Object(&[
            Key::new("interval", Form::Duration),
            Key::new("timeout", Form::Duration),
        ]),
    ),
];

const UPGRADE: Form = Form::OneOf(&[("DEFAULT", ()), ("DO_NOT_UPGRADE", ()), ("UPGRADE", ())]);

/// `tls`.
pub(super) const TLS: Form = Form::Object(&[
    Key::new(
        "mode",
        Form::OneOf(&[
            ("DISABLE", ()),
            ("SIMPLE", ()),
            ("MUTUAL", ()),
            ("ISTIO_MUTUAL", ()),
        ]),
    ),
    Key::new("clientCertificate", Form::Text),
    Key::new("privateKey", Form::Text),
    Key::new("caCertificates", Form::Text),
    Key::new("caCrl", Form::Text),
    Key::new("credentialName", Form::Text),
    Key::new("subjectAltNames", Form::List(&Form::Text)),
    Key::new("sni", Form::Text),
    Key::new("insecureSkipVerify", Form::Boolean),
]);

/// `loadBalancer`.
pub(super) const LOAD_BALANCER: Form = Form::Object(&[
    Key::choice(
        1,
        "simple",
        Form::OneOf(&[
            ("UNSPECIFIED", ()),
            ("LEAST_CONN", ()),
            ("RANDOM", ()),
            ("PASSTHROUGH", ()),
            ("ROUND_ROBIN", ()),
            ("LEAST_REQUEST", ()),
        ]),
    ),
    Key::choice(1, "consistentHash", CONSISTENT_HASH),
    Key::new("localityLbSetting", LOCALITY),
    Key::new("warmupDurationSecs", Form::Duration),
    Key::new(
        "warmup",
        Form::Object(&[
            Key::required("duration", Form::Duration),
            Key::new("minimumPercent", Form::Percent),
            Key::new("aggression", Form::Number),
        ]),
    ),
]);

const CONSISTENT_HASH: Form = Form::Object(&[
    Key::choice(1, "httpHeaderName", Form::Text),
    Key::choice(
        1,
        "httpCookie",
        Form::Object(&[
            Key::required("name", Form::SomeText),
            Key::new("path", Form::Text),
            Key::new("ttl", Form::DurationOrZero),
            Key::new(
                "attributes",
                Form::List(&Form::Object(&[
                    Key::required("name", Form::SomeText),
                    Key::new("value", Form::Text),
                ])),
            ),
        ]),
    ),
    Key::choice(1, "useSourceIp", Form::Boolean),
    Key::choice(1, "httpQueryParameterName", Form::Text),
    Key::choice(
        2,
        "ringHash",
        Form::Object(&[Key::new("minimumRingSize", UINT64)]),
    ),
    Key::choice(
        2,
        "maglev",
        Form::Object(&[Key::required("tableSize", Form::Count(5_000_010))]),
    ),
    Key::choice(2, "minimumRingSize", UINT64),
]);

const LOCALITY: Form = Form::Object(&[
    Key::choice(
        1,
        "distribute",
        Form::List(&Form::Object(&[
            Key::new("from", Form::Text),
            Key::new("to", Form::Map(&UINT32)),
        ])),
    ),
    Key::choice(
        1,
        "failover",
        Form::List(&Form::Object(&[
            Key::new("from", Form::Text),
            Key::new("to", Form::Text),
        ])),
    ),
    Key::new("failoverPriority", Form::List(&Form::Text)),
    Key::new("enabled", Form::Boolean),
]);

/// `tunnel`.
pub(super) const TUNNEL: Form = Form::Object(&[
    Key::new("protocol", Form::OneOf(&[("CONNECT", ()), ("POST", ())])),
    Key::required("targetHost", Form::SomeText),
    Key::required("targetPort", Form::Count(65_535)),
]);

/// `proxyProtocol`.
pub(super) const PROXY_PROTOCOL: Form =
    Form::Object(&[Key::new("version", Form::OneOf(&[("V1", ()), ("V2", ())]))]);
