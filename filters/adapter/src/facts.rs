//! Reads the attributes that a program demands, with as few host calls as possible.
//!
//! What a host call costs in Envoy is asking the VM for memory to put the answer
//! into, hardly the bytes: all header lines in one call cost less than two
//! pseudo-headers read singly, with 5 lines as with 20. So one pseudo-header is
//! read singly, and anything beyond takes the whole map.

use std::net::SocketAddr;

use serde_json::{Map, Value};
use sluice_policy::{Attribute, AttributeSet, Connection, Fact, HeaderLine, Request};

use crate::abi::{HeaderMap, Host, HostError, HostResult};
use crate::{metadata, pairs};

const PSEUDO_HEADERS: [(Attribute, &str); 3] = [
    (Attribute::Method, ":method"),
    (Attribute::Path, ":path"),
    (Attribute::Authority, ":authority"),
];

/// Reading more headers than this costs less when all are read at once.
const SINGLE_READS: usize = 1;

/// What was read for one request; lends itself out as a [`Request`].
#[derive(Debug, Default)]
pub(crate) struct Facts<'cb> {
    pseudo_headers: [Fact<&'cb [u8]>; PSEUDO_HEADERS.len()],
    lines: Fact<Vec<HeaderLine<'cb>>>,
    connection: Connection<'cb>,
    metadata: Fact<Map<String, Value>>,
}

impl<'cb> Facts<'cb> {
    /// Asks the host for the headers in `demand`; the rest is unavailable.
    pub(crate) fn read_only_headers(host: Host<'cb>, demand: AttributeSet) -> Self {
        let mut facts = Self::default();
        facts.read_headers(host, demand);
        facts
    }

    /// Asks the host for everything in `demand`.
    pub(crate) fn read(host: Host<'cb>, demand: AttributeSet) -> Self {
        let mut facts = Self::read_only_headers(host, demand);
        facts.read_connection(host, demand);
        if demand.contains(Attribute::Metadata) {
            facts.metadata = metadata::read(host);
        }
        facts
    }

    /// The facts as an engine takes them.
    pub(crate) fn request(&self) -> Request<'_> {
        let [method, path, authority] = self.pseudo_headers;
        Request {
            method,
            path,
            authority,
            headers: self.lines.as_ref().map(Vec::as_slice),
            connection: self.connection,
            metadata: self.metadata.as_ref(),
        }
    }

    /// A URI SAN proves a client certificate, and identity is compared with it
    /// alone: what else the certificate says need not be asked for then.
    fn read_connection(&mut self, host: Host<'cb>, demand: AttributeSet) {
        for (attribute, read) in CONNECTION_READS {
            if !demand.contains(attribute) {
                continue;
            }
            let has_uri_san = matches!(self.connection.peer_uri_san, Fact::Present(_));
            match attribute {
                Attribute::Mtls if has_uri_san => self.connection.mtls = Fact::Present(true),
                Attribute::PeerDnsSan if has_uri_san => self.connection.peer_dns_san = Fact::Absent,
                Attribute::PeerSubject if has_uri_san => {
                    self.connection.peer_subject = Fact::Absent;
                }
                _ => read(&mut self.connection, host),
            }
        }
    }

    fn read_headers(&mut self, host: Host<'cb>, demand: AttributeSet) {
        let wanted = PSEUDO_HEADERS
            .iter()
            .filter(|(attribute, _)| demand.contains(*attribute))
            .count();
        if demand.contains(Attribute::Headers) || wanted > SINGLE_READS {
            self.read_all_headers(host);
            return;
        }
        for ((attribute, name), fact) in PSEUDO_HEADERS.iter().zip(&mut self.pseudo_headers) {
            if demand.contains(*attribute) {
                *fact = fact_of(host.first_header(HeaderMap::Request, name));
            }
        }
    }

    fn read_all_headers(&mut self, host: Host<'cb>) {
        let Some(lines) = host
            .header_pairs(HeaderMap::Request)
            .map_or(None, pairs::decode)
        else {
            return;
        };
        for ((_, name), fact) in PSEUDO_HEADERS.iter().zip(&mut self.pseudo_headers) {
            let line = lines
                .iter()
                .find(|(line_name, _)| *line_name == name.as_bytes());
            *fact = line.map_or(Fact::Absent, |(_, value)| Fact::Present(value));
        }
        self.lines = Fact::Present(lines);
    }
}

type ConnectionRead = for<'cb> fn(&mut Connection<'cb>, Host<'cb>);

/// How each fact of the connection is read; the one that spares others first.
const CONNECTION_READS: [(Attribute, ConnectionRead); 8] = [
    (Attribute::PeerUriSan, |to, host| {
        to.peer_uri_san = text(host, "connection\0uri_san_peer_certificate");
    }),
    (Attribute::SourceAddress, |to, host| {
        to.remote_address = address(host, "source\0address");
    }),
    (Attribute::DestinationAddress, |to, host| {
        to.destination_address = address(host, "destination\0address");
    }),
    (Attribute::Mtls, |to, host| {
        to.mtls = boolean(host, "connection\0mtls");
    }),
    (Attribute::PeerDnsSan, |to, host| {
        to.peer_dns_san = text(host, "connection\0dns_san_peer_certificate");
    }),
    (Attribute::PeerSubject, |to, host| {
        to.peer_subject = text(host, "connection\0subject_peer_certificate");
    }),
    (Attribute::PeerPrincipal, |to, host| {
        to.peer_principal = text(host, "filter_state\0io.istio.peer_principal");
    }),
    (Attribute::RequestedServerName, |to, host| {
        to.requested_server_name = text(host, "connection\0requested_server_name");
    }),
];

fn absent_or_unavailable<T>(error: HostError) -> Fact<T> {
    match error {
        HostError::NotFound => Fact::Absent,
        HostError::Failed(_) => Fact::Unavailable,
    }
}

fn fact_of<T>(result: HostResult<T>) -> Fact<T> {
    result.map_or_else(absent_or_unavailable, Fact::Present)
}

/// Text properties have no way to say "empty": Envoy returns zero bytes for a
/// connection without the thing (a plaintext peer), so empty is absent.
fn text<'cb>(host: Host<'cb>, path: &str) -> Fact<&'cb [u8]> {
    match fact_of(host.property(path)) {
        Fact::Present([]) => Fact::Absent,
        fact => fact,
    }
}

fn boolean(host: Host<'_>, path: &str) -> Fact<bool> {
    match fact_of(host.property(path)) {
        Fact::Present([byte]) => Fact::Present(*byte != 0),
        Fact::Present(_) => Fact::Unavailable,
        fact => fact.map(|_| false),
    }
}

/// `ip:port`; an address of another kind (pipe, internal listener) is one that
/// we cannot compare, not one that is not there.
fn address(host: Host<'_>, path: &str) -> Fact<SocketAddr> {
    match fact_of(host.property(path)) {
        Fact::Present(bytes) => parse_address(bytes).map_or(Fact::Unavailable, Fact::Present),
        Fact::Absent => Fact::Absent,
        Fact::Unavailable => Fact::Unavailable,
    }
}

fn parse_address(bytes: &[u8]) -> Option<SocketAddr> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{CONNECTION_READS, Facts, PSEUDO_HEADERS, parse_address};
    use crate::abi::Host;
    use crate::pairs;
    use crate::scripted_host::{INTERNAL_FAILURE, Script, script};
    use sluice_policy::{Attribute, AttributeSet, Fact, Request};

    /// What each property is called in a script.
    const PROPERTIES: [(Attribute, &str); 8] = [
        (Attribute::SourceAddress, "source.address"),
        (Attribute::DestinationAddress, "destination.address"),
        (Attribute::Mtls, "connection.mtls"),
        (Attribute::PeerUriSan, "connection.uri_san_peer_certificate"),
        (Attribute::PeerDnsSan, "connection.dns_san_peer_certificate"),
        (
            Attribute::PeerSubject,
            "connection.subject_peer_certificate",
        ),
        (
            Attribute::PeerPrincipal,
            "filter_state.io.istio.peer_principal",
        ),
        (
            Attribute::RequestedServerName,
            "connection.requested_server_name",
        ),
    ];

    fn read<R>(
        wanted: &[Attribute],
        change: impl FnOnce(&mut Script),
        judge: impl FnOnce(&Request<'_>) -> R,
    ) -> R {
        script(change);
        let mut demand = AttributeSet::EMPTY;
        wanted
            .iter()
            .for_each(|attribute| demand.insert(*attribute));
        let mut judge = Some(judge);
        let mut result = None;
        Host::enter(|host| {
            let facts = Facts::read(host, demand);
            result = judge.take().map(|judge| judge(&facts.request()));
        });
        result.unwrap()
    }

    fn answer(script: &mut Script, key: &str, answer: Result<&[u8], u32>) {
        script
            .answers
            .insert(key.to_owned(), answer.map(<[u8]>::to_vec));
    }

    /// The states of the eight facts of a connection, in the order of the table.
    fn states(request: &Request<'_>) -> [Fact<()>; 8] {
        let connection = request.connection;
        [
            connection.remote_address.map(|_| ()),
            connection.destination_address.map(|_| ()),
            connection.mtls.map(|_| ()),
            connection.peer_uri_san.map(|_| ()),
            connection.peer_dns_san.map(|_| ()),
            connection.peer_subject.map(|_| ()),
            connection.peer_principal.map(|_| ()),
            connection.requested_server_name.map(|_| ()),
        ]
    }

    #[test]
    fn a_host_that_fails_leaves_facts_unavailable_not_absent() {
        let wanted = PROPERTIES.map(|(attribute, _)| attribute);
        let failing = |script: &mut Script| {
            for (_, name) in PROPERTIES {
                answer(script, &format!("property:{name}"), Err(INTERNAL_FAILURE));
            }
        };
        assert_eq!(read(&wanted, failing, states), [Fact::Unavailable; 8]);
        assert_eq!(read(&wanted, |_| {}, states), [Fact::Absent; 8]);
    }

    #[test]
    fn values_that_cannot_be_read_are_unavailable() {
        let connection = [Attribute::SourceAddress, Attribute::Mtls];
        let odd = |script: &mut Script| {
            answer(script, "property:source.address", Ok(b"/run/envoy.sock"));
            answer(script, "property:connection.mtls", Ok(b"yes"));
        };
        let [address, _, mtls, ..] = read(&connection, odd, states);
        assert_eq!((address, mtls), (Fact::Unavailable, Fact::Unavailable));
        let metadata = |bytes: &'static [u8]| {
            read(
                &[Attribute::Metadata],
                |script| answer(script, "property:metadata", Ok(bytes)),
                |request| request.metadata.map(|_| ()),
            )
        };
        assert_eq!(metadata(b"\x0a\xff"), Fact::Unavailable);
        assert_eq!(metadata(b""), Fact::Present(()));
        let pairs = read(
            &[Attribute::Headers],
            |script| answer(script, "pairs:0", Ok(b"\x01\0\0\0")),
            |request| (request.method.map(|_| ()), request.headers.map(|_| ())),
        );
        assert_eq!(pairs, (Fact::Unavailable, Fact::Unavailable));
    }

    #[test]
    fn a_uri_san_proves_a_certificate_and_spares_the_other_reads() {
        let wanted = PROPERTIES.map(|(attribute, _)| attribute);
        let identified = |script: &mut Script| {
            answer(
                script,
                "property:connection.uri_san_peer_certificate",
                Ok(b"spiffe://a/b"),
            );
            for name in [
                "mtls",
                "dns_san_peer_certificate",
                "subject_peer_certificate",
            ] {
                answer(
                    script,
                    &format!("property:connection.{name}"),
                    Err(INTERNAL_FAILURE),
                );
            }
        };
        let facts = read(&wanted, identified, |request| {
            let connection = request.connection;
            (
                connection.mtls,
                connection.peer_dns_san.map(|_| ()),
                connection.peer_subject.map(|_| ()),
            )
        });
        assert_eq!(facts, (Fact::Present(true), Fact::Absent, Fact::Absent));
    }

    #[test]
    fn repeated_headers_are_seen_in_full() {
        let lines = pairs::encode(&[(b":path", b"/x"), (b"a", b"1"), (b"a", b"2")]);
        read(
            &[Attribute::Headers],
            |script| answer(script, "pairs:0", Ok(&lines)),
            |request| {
                assert_eq!(request.headers.present().unwrap().len(), 3);
                assert_eq!(request.path, Fact::Present(&b"/x"[..]));
                assert_eq!(request.method, Fact::Absent);
            },
        );
    }

    #[test]
    fn more_than_one_pseudo_header_takes_all_headers_at_once() {
        let lines = pairs::encode(&[(b":path", b"/all"), (b":method", b"GET")]);
        let both_ways = |script: &mut Script| {
            answer(script, "pairs:0", Ok(&lines));
            answer(script, "header::path", Ok(b"/single"));
        };
        let path = |wanted: &[Attribute]| {
            read(wanted, both_ways, |request| {
                request.path.map(<[u8]>::to_vec).present()
            })
        };
        assert_eq!(path(&[Attribute::Path]), Some(b"/single".to_vec()));
        assert_eq!(
            path(&[Attribute::Path, Attribute::Method]),
            Some(b"/all".to_vec())
        );
    }

    #[test]
    fn every_attribute_has_one_reader() {
        for attribute in Attribute::ALL {
            let pseudo = PSEUDO_HEADERS
                .iter()
                .filter(|(known, _)| *known == attribute)
                .count();
            let connection = CONNECTION_READS
                .iter()
                .filter(|(known, _)| *known == attribute)
                .count();
            let own = usize::from(matches!(
                attribute,
                Attribute::Headers | Attribute::Metadata
            ));
            assert_eq!(pseudo + connection + own, 1, "{attribute:?}");
        }
    }

    #[test]
    fn addresses_of_both_families_are_read_and_others_refused() {
        assert_eq!(
            parse_address(b"10.0.0.7:80").unwrap().to_string(),
            "10.0.0.7:80"
        );
        assert_eq!(parse_address(b"[::1]:80").unwrap().to_string(), "[::1]:80");
        assert_eq!(parse_address(b"/run/envoy.sock"), None);
        assert_eq!(parse_address(b"\xff"), None);
    }
}
