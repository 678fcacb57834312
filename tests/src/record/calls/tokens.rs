//! Calls with tokens, and what `jwt.wasm` and `authz.wasm` make of them behind the
//! manifest `wasm-plugins/examples/payment-service-jwt.yaml`.

use sluice_envoy::client::Protocol;

use super::{Call, GrpcCall, Planned, http, order, request};
use crate::record::{accounts::Accounts, caller::GATEWAY};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The service sees it, as a call of these customers.
    Forwarded(&'static [&'static str]),
    /// It is refused with that status and that body; of a gRPC call `grpc-status` and
    /// `grpc-message`.
    Refused(u16, &'static str),
}
use Expected::{Forwarded, Refused};

/// Name and value of each line.
type Headers = &'static [(&'static str, &'static str)];

/// One request. Names in braces stand for tokens of [`Accounts`].
#[derive(Debug, Clone, Copy)]
pub struct Row {
    method: &'static str,
    target: &'static str,
    headers: Headers,
    /// What becomes of it.
    pub expected: Expected,
}

const RBAC: &str = "RBAC: access denied";
const EXPIRED: &str = "Jwt is expired";
const AUDIENCE: &str = "Audiences in Jwt are not allowed";
const NO_KEY: &str = "Jwks doesn't have key to match kid or alg from Jwt";
const BAD_SIGNATURE: &str = "Jwt verification fails";
const BAD_FORM: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";

const SHOP: Expected = Forwarded(&["web-shop"]);
const DESK: Expected = Forwarded(&["refunds-desk"]);

const GOOD: Headers = &[("authorization", "Bearer {shop-ES256}")];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Nobody is identified.
    get(&[], Refused(403, RBAC)),
    get(&[("authorization", "Basic d2ViLXNob3A6cGFzc3dvcmQ=")], Refused(403, RBAC)),
    get(&[("authorization", "bearer {shop-ES256}")], Refused(403, RBAC)),
    get(&[("x-customer", "refunds-desk")], Refused(403, RBAC)),
    // Every algorithm, before and after a change of keys.
    get(&[("authorization", "Bearer {shop-RS256}")], SHOP),
    get(&[("authorization", "Bearer {shop-PS256}")], SHOP),
    get(&[("authorization", "Bearer {shop-ES256}")], SHOP),
    get(&[("authorization", "Bearer {shop-EdDSA}")], SHOP),
    get(&[("authorization", "Bearer {new-shop-RS256}")], SHOP),
    get(&[("authorization", "Bearer {new-shop-PS256}")], SHOP),
    get(&[("authorization", "Bearer {new-shop-ES256}")], SHOP),
    get(&[("authorization", "Bearer {new-shop-EdDSA}")], SHOP),
    get(&[("authorization", "Bearer {retired}")], Refused(401, NO_KEY)),
    // What the policies let whom do.
    row("GET", "/v1/payments/pay_7?expand=order", GOOD, SHOP),
    row("GET", "/v1/payments/nothing", GOOD, SHOP),
    row("GET", "/healthz", GOOD, Refused(403, RBAC)),
    row("POST", "/v1/payments", GOOD, Refused(403, RBAC)),
    row("DELETE", "/v1/payments/pay_7", GOOD, Refused(403, RBAC)),
    refund(&[("authorization", "Bearer {desk}")], DESK),
    refund(&[("authorization", "Bearer {new-desk}")], DESK),
    refund(GOOD, Refused(403, RBAC)),
    refund(&[], Refused(403, RBAC)),
    // Tokens in the query, and more than one. As in Envoy, each adds a line of its claim.
    row("GET", "/v1/payments?access_token={shop-ES256}", &[], SHOP),
    row("GET", "/v1/payments?limit=5&access_token={new-shop-ES256}&expand=order", &[], SHOP),
    row("GET", "/v1/payments?access_token={expired}", &[], Refused(401, EXPIRED)),
    row("GET", "/v1/payments?access_token={desk}", GOOD, Forwarded(&["refunds-desk", "web-shop"])),
    row("GET", "/v1/payments?access_token={expired}", GOOD, Refused(401, EXPIRED)),
    // What a client forges is not believed.
    get(&[("x-customer", "refunds-desk"), ("authorization", "Bearer {shop-ES256}")], SHOP),
    refund(&[("authorization", "Bearer {renamed}")], Refused(401, BAD_SIGNATURE)),
    refund(&[("authorization", "Bearer {flipped}")], Refused(401, BAD_SIGNATURE)),
    refund(&[("authorization", "Bearer {unsigned}")], Refused(401, "Jwt header [alg] is not supported")),
    refund(&[("authorization", "Bearer {stripped}")], Refused(401, BAD_FORM)),
    refund(&[("authorization", "Bearer {impostor}")], Refused(401, NO_KEY)),
    refund(&[("authorization", "Bearer {stranger}")], Refused(401, "Jwt issuer is not configured")),
    // Tokens that are none, or not for this service, or no longer.
    get(&[("authorization", "Bearer {cut}")], Refused(401, BAD_FORM)),
    get(&[("authorization", "Bearer not-a-token")], Refused(401, BAD_FORM)),
    get(&[("authorization", "Bearer {expired}")], Refused(401, EXPIRED)),
    get(&[("authorization", "Bearer {ledger}")], Refused(403, AUDIENCE)),
    // A browser asks first, and no token is looked at.
    row("OPTIONS", "/v1/payments", PREFLIGHT, Refused(403, RBAC)),
];

const PREFLIGHT: Headers = &[
    ("origin", "https://shop.example.com"),
    ("access-control-request-method", "GET"),
    ("authorization", "Bearer {expired}"),
];

/// A gRPC call with `authorization`; of what becomes of it the status is gRPC's.
type GrpcRow = (GrpcCall, Option<&'static str>, Expected);

#[rustfmt::skip]
const GRPC_ROWS: &[GrpcRow] = &[
    (GrpcCall::Get("pay_7"), Some("Bearer {shop-ES256}"), SHOP),
    (GrpcCall::Get("pay_7"), Some("Bearer {new-desk}"), DESK),
    (GrpcCall::Create(1_250), Some("Bearer {new-desk}"), Refused(7, RBAC)),
    (GrpcCall::Get("pay_7"), None, Refused(7, RBAC)),
    (GrpcCall::Get("pay_7"), Some("Bearer {expired}"), Refused(16, EXPIRED)),
    (GrpcCall::Get("pay_7"), Some("Bearer {ledger}"), Refused(7, AUDIENCE)),
];

const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// Every call, in the order in which it is recorded.
#[must_use]
pub fn plan(accounts: &Accounts) -> Vec<Planned> {
    let http = PROTOCOLS
        .into_iter()
        .flat_map(|protocol| ROWS.iter().map(move |row| row.planned(protocol, accounts)));
    let grpc = GRPC_ROWS.iter().map(|(call, token, _)| Planned {
        caller: GATEWAY,
        protocol: Protocol::Http2,
        call: Call::Grpc(call.clone(), token.map(|token| accounts.fill(token))),
    });
    http.chain(grpc).collect()
}

/// What becomes of each call of the plan, and whether it is a gRPC call.
pub fn expected() -> impl Iterator<Item = (Expected, bool)> {
    let http = PROTOCOLS.iter().flat_map(|_| ROWS.iter());
    let http = http.map(|row| (row.expected, false));
    http.chain(GRPC_ROWS.iter().map(|(_, _, expected)| (*expected, true)))
}

impl Row {
    fn planned(&self, protocol: Protocol, accounts: &Accounts) -> Planned {
        let target = accounts.fill(self.target);
        let request = if self.method == "POST" {
            order(target)
        } else {
            request(self.method, target)
        };
        let fill = |request: sluice_envoy::client::Request, (name, value): &(&str, &str)| {
            request.header(name, accounts.fill(value))
        };
        http(GATEWAY, protocol, self.headers.iter().fold(request, fill))
    }
}

const fn row(
    method: &'static str,
    target: &'static str,
    headers: Headers,
    expected: Expected,
) -> Row {
    Row {
        method,
        target,
        headers,
        expected,
    }
}

const fn get(headers: Headers, expected: Expected) -> Row {
    row("GET", "/v1/payments", headers, expected)
}

const fn refund(headers: Headers, expected: Expected) -> Row {
    row("POST", "/v1/payments/pay_7/refunds", headers, expected)
}
