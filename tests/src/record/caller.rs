//! Who calls the payment service.

use std::net::{IpAddr, SocketAddr};

/// A client of the payment service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The SPIFFE identity in its certificate; none speaks plain text.
    pub identity: Option<&'static str>,
    /// Where it seems to come from.
    pub address: &'static str,
    /// Where it believes the service to be.
    pub service: &'static str,
}

/// The one that may create payments.
pub const ORDER: Caller = Caller {
    identity: Some("spiffe://cluster.local/ns/production/sa/order-service-sa"),
    address: "10.0.0.7",
    service: "10.0.0.9:8080",
};

/// The same one over IPv6.
pub const ORDER_IPV6: Caller = Caller {
    address: "fd00::7",
    service: "[fd00::9]:8080",
    ..ORDER
};

/// No certificate at all.
pub const PLAIN_TEXT: Caller = Caller {
    identity: None,
    address: "10.0.4.2",
    service: "10.0.0.9:8080",
};

/// The mesh's gateway, through which customers come.
pub const GATEWAY: Caller = mesh(
    "spiffe://cluster.local/ns/istio-system/sa/ingress-gateway",
    "10.0.5.4",
);

/// Everybody without tokens; those after the first two differ from them in one thing each.
pub const CALLERS: [Caller; 8] = [
    ORDER,
    ORDER_IPV6,
    // Another account of the namespace.
    mesh(
        "spiffe://cluster.local/ns/production/sa/refund-service-sa",
        "10.0.0.8",
    ),
    // The account of another namespace.
    mesh(
        "spiffe://cluster.local/ns/staging/sa/order-service-sa",
        "10.0.1.7",
    ),
    // A name that begins with the right one.
    mesh(
        "spiffe://cluster.local/ns/production/sa/order-service-sa-2",
        "10.0.0.17",
    ),
    // Another trust domain.
    mesh(
        "spiffe://old.example/ns/production/sa/order-service-sa",
        "10.0.3.7",
    ),
    // Not a workload of Kubernetes.
    mesh("spiffe://cluster.local/frontend", "10.0.2.3"),
    PLAIN_TEXT,
];

const fn mesh(identity: &'static str, address: &'static str) -> Caller {
    Caller {
        identity: Some(identity),
        address,
        service: "10.0.0.9:8080",
    }
}

impl Caller {
    /// Source and destination for the PROXY header, if the table is well-formed.
    pub fn addresses(&self, source_port: u16) -> Option<(SocketAddr, SocketAddr)> {
        let source: IpAddr = self.address.parse().ok()?;
        Some((
            SocketAddr::new(source, source_port),
            self.service.parse().ok()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{CALLERS, GATEWAY};

    #[test]
    fn every_caller_has_addresses() {
        for caller in CALLERS.into_iter().chain([GATEWAY]) {
            assert!(caller.addresses(1).is_some(), "{caller:?}");
        }
    }
}
