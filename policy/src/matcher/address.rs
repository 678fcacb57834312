//! Addresses, ranges of addresses, and ports.

use std::net::IpAddr;

use ipnet::IpNet;

/// A value of `ipBlocks`: one address, or a range in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpMatcher(IpNet);

impl IpMatcher {
    /// Reads a value; `None` if it is neither address nor range.
    ///
    /// Bits of the host part are allowed and ignored. A zone (`fe80::1%eth0`) is
    /// refused: no peer address has one.
    pub fn new(value: &str) -> Option<Self> {
        let network = match value.split_once('/') {
            Some((address, prefix)) => {
                IpNet::new(address.parse().ok()?, parse_prefix(prefix)?).ok()?
            }
            None => IpNet::from(value.parse::<IpAddr>().ok()?),
        };
        // Truncated, so that two spellings of a range are equal.
        Some(Self(network.trunc()))
    }

    /// The range; a single address is a range of one.
    pub fn network(&self) -> IpNet {
        self.0
    }

    /// Whether the address is in the range. IPv4 ranges hold no IPv6 address.
    pub fn matches(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

/// Digits without a leading zero, as Istio's validation (Go's `netip`) wants them.
/// How many bits an address has, `IpNet` knows.
fn parse_prefix(value: &str) -> Option<u8> {
    let is_plain = value == "0" || !value.starts_with(['0', '+']);
    is_plain.then(|| value.parse().ok()).flatten()
}

/// Reads a port as Istio does: decimal digits, 0 to 65535. Port 0 is legal and
/// never matches.
pub fn parse_port(value: &str) -> Option<u16> {
    // `parse` alone would take `+80`.
    value
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| value.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(value: &str, address: &str) -> bool {
        let matcher = IpMatcher::new(value).unwrap_or_else(|| panic!("{value} must be read"));
        matcher.matches(
            address
                .parse()
                .unwrap_or_else(|_| panic!("{address} must be read")),
        )
    }

    #[test]
    fn a_bare_address_is_itself_only() {
        assert!(matches("1.2.3.4", "1.2.3.4"));
        assert!(!matches("1.2.3.4", "1.2.3.5"));
        assert!(matches("2001:db8::1", "2001:db8:0::1"));
    }

    #[test]
    fn host_bits_of_a_range_are_ignored() {
        assert!(matches("1.2.3.4/24", "1.2.3.99"));
        assert!(!matches("1.2.3.4/24", "1.2.4.4"));
        assert_eq!(IpMatcher::new("1.2.3.4/24"), IpMatcher::new("1.2.3.0/24"));
        assert!(matches("0.0.0.0/0", "9.9.9.9"));
    }

    #[test]
    fn families_do_not_mix() {
        assert!(!matches("0.0.0.0/0", "::1"));
        assert!(!matches("::/0", "1.2.3.4"));
    }

    #[test]
    fn nonsense_is_refused() {
        for value in [
            "",
            "ip1",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/08",
            "1.2.3.4/+8",
            "1.2.3.4/8/8",
            "01.2.3.4/8",
            "::/129",
            "::/300",
            "1.2.3.4/",
            "01.2.3.4",
            "fe80::1%eth0",
            "1.2.3.4/-1",
        ] {
            assert_eq!(IpMatcher::new(value), None, "{value}");
        }
    }

    #[test]
    fn ports_are_digits_up_to_65535() {
        assert_eq!(parse_port("0"), Some(0));
        assert_eq!(parse_port("065535"), Some(65535));
        for value in ["", "+80", "-1", "65536", "80a", " 80", "99999999999"] {
            assert_eq!(parse_port(value), None, "{value}");
        }
    }
}
