//! Addresses as texts.
//!
//! As the standard library writes them, whose own way takes 2 KB more of a module.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

/// An address with its port: `192.0.2.1:80`, or `[2001:db8::1]:80`.
pub(super) fn with_port(address: SocketAddr) -> String {
    let port = u64::from(address.port()).to_string();
    let ip = of(address.ip());
    match address {
        SocketAddr::V4(_) => [&*ip, ":", &port].concat(),
        SocketAddr::V6(address) => match address.scope_id() {
            0 => ["[", &ip, "]:", &port].concat(),
            scope => ["[", &ip, "%", &u64::from(scope).to_string(), "]:", &port].concat(),
        },
    }
}

/// An address; one of IPv6 as in RFC 5952 section 4, its last 32 bits like those of IPv4
/// where they are one (section 5).
pub(super) fn of(address: IpAddr) -> String {
    let mut text = String::new();
    match address {
        IpAddr::V4(address) => push_dotted(&mut text, address.octets()),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => {
                text.push_str("::ffff:");
                push_dotted(&mut text, address.octets());
            }
            None => push_shortened(&mut text, address.segments()),
        },
    }
    text
}

fn push_dotted(text: &mut String, octets: [u8; 4]) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        text.push_str(&u64::from(octet).to_string());
    }
}

fn push_shortened(text: &mut String, segments: [u16; 8]) {
    let zeros = longest_zeros(segments);
    if zeros.len() < 2 {
        return push_hexadecimal(text, &segments);
    }
    push_hexadecimal(text, segments.get(..zeros.start).unwrap_or_default());
    text.push_str("::");
    push_hexadecimal(text, segments.get(zeros.end..).unwrap_or_default());
}

/// The first one of the longest runs of zeros.
fn longest_zeros(segments: [u16; 8]) -> Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    for (place, segment) in segments.into_iter().enumerate() {
        if segment != 0 {
            start = place + 1;
        } else if place + 1 - start > longest.len() {
            longest = start..place + 1;
        }
    }
    longest
}

fn push_hexadecimal(text: &mut String, segments: &[u16]) {
    for (place, segment) in segments.iter().enumerate() {
        if place > 0 {
            text.push(':');
        }
        text.push_str(&format!("{:x}", u64::from(*segment)));
    }
}

#[cfg(test)]
mod tests {
    use super::{of, with_port};
    use std::net::{Ipv6Addr, SocketAddr};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(address: SocketAddr) {
        assert_eq!(of(address.ip()), address.ip().to_string());
        assert_eq!(with_port(address), address.to_string());
    }

    #[test]
    fn addresses_are_written_as_by_the_standard_library() {
        for text in [
            "192.0.2.1:80",
            "255.255.255.255:65535",
            "[2001:db8::1]:443",
            "[::ffff:192.0.2.1]:1",
            "[::192.0.2.1]:1",
            "[fe80::1%3]:9",
        ] {
            check(text.parse().unwrap());
        }
    }

    #[test]
    fn zeros_are_left_out_wherever_they_are() {
        for pattern in 0..=u8::MAX {
            let segment = |place: u8| u16::from(pattern >> place & 1) * 0x0a0b;
            let segments = [0, 1, 2, 3, 4, 5, 6, 7].map(segment);
            check(SocketAddr::from((Ipv6Addr::from(segments), 80)));
        }
    }
}
