//! Hosts that no key set is fetched from.
//!
//! Istio's resolver of key sets refuses to dial link-local addresses and the
//! metadata services of clouds (istio/istio#61230). A filter cannot see what a name
//! resolves to, that is the cluster's affair; it can refuse what the URL itself
//! says, in every spelling.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const METADATA: &str = "a host other than link-local addresses and metadata services of clouds";
const NAME: &str = "a host: letters, digits, `-`, `_` and `.`, or an IP address";
const PLAIN: &str = "an IPv4 address as four decimal numbers, such as 192.0.2.1";

/// Names of metadata services: Google's, and what Amazon and Alibaba call theirs.
const METADATA_NAMES: [&str; 5] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Metadata services whose address is not link-local: Alibaba's and Oracle's.
const METADATA_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// Checks a host in lower case, an IPv6 address without brackets.
pub(super) fn check(host: &str) -> Result<(), &'static str> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return match is_metadata(address) {
            true => Err(METADATA),
            false => Ok(()),
        };
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if !name.split('.').all(is_label) {
        return Err(NAME);
    }
    // Resolvers read 2852039166, 0xa9fea9fe and 169.254.43518 as addresses.
    if name.rsplit('.').next().is_some_and(is_number) {
        return Err(PLAIN);
    }
    match METADATA_NAMES.contains(&name) {
        true => Err(METADATA),
        false => Ok(()),
    }
}

fn is_label(label: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !label.is_empty() && label.bytes().all(is_of_name)
}

/// Whether a last label makes a host an address for those who read it loosely
/// (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x");
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_metadata_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => is_metadata_v4(embedded),
            None => is_metadata_v6(address),
        },
    }
}

fn is_metadata_v4(address: Ipv4Addr) -> bool {
    address.is_link_local() || METADATA_V4.contains(&address)
}

/// The IPv4 address within an IPv6 one: mapped, compatible (RFC 4291 section
/// 2.5.5) or for NAT64 (RFC 6052).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let prefix = [a, b, c, d, e, f];
    let is_embedded = matches!(
        prefix,
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0]
    );
    let [w, x] = high.to_be_bytes();
    let [y, z] = low.to_be_bytes();
    is_embedded.then(|| Ipv4Addr::new(w, x, y, z))
}

/// `fe80::/10`, and Amazon's `fd00:ec2::/32`.
fn is_metadata_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    address.is_unicast_link_local() || (first, second) == (0xfd00, 0x0ec2)
}
