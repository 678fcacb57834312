//! The policy of the README.

use serde_json::{Value, json};

/// Only the order service may create payments, and only over mutual TLS.
#[must_use]
pub fn plugin_config() -> Value {
    json!({"resources": [allow_order_service(), strict()]})
}

fn allow_order_service() -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "payment-service-authz", "namespace": "production"},
        "spec": {
            "selector": {"matchLabels": {"app": "payment-service"}},
            "action": "ALLOW",
            "rules": [{
                "from": [{"source": {
                    "principals": ["cluster.local/ns/production/sa/order-service-sa"],
                }}],
                "to": [{"operation": {
                    "methods": ["POST"],
                    "paths": ["/v1/payments", "/v1/payments/*"],
                }}],
            }],
        },
    })
}

fn strict() -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": "production"},
        "spec": {"mtls": {"mode": "STRICT"}},
    })
}
