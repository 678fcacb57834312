//! Our own JWT filter in front of the authorization filter, free of any driver.

use std::collections::BTreeMap;

use sluice_jwt::Remote;

use super::scenario::Plugin;

/// RequestAuthentication, and the world that its filter sees.
#[derive(Debug, Clone)]
pub struct Authentication {
    /// What the filter is configured with.
    pub plugin: Plugin,
    /// What is served, by URL.
    pub served: BTreeMap<String, Served>,
    /// Seconds since 1970.
    pub now_s: u64,
    /// Who verifies signatures.
    pub tier: Tier,
}

/// What a server of keys says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// 200 with this text, which need not be a key set.
    Document(String),
    /// 404.
    Missing,
    /// Nobody listens.
    Unreachable,
}

/// The ways in which a signature is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The host's `verify_signature`, where it can.
    Host,
    /// The filter, for the host has no such function.
    InVm,
    /// Whoever did it before: a good token is remembered when it comes for the second time,
    /// so the third of equal requests is observed.
    Cached,
}

impl Tier {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Host, Self::InVm, Self::Cached];

    /// Requests until the one that is observed.
    pub fn requests(self) -> usize {
        if self == Self::Cached { 3 } else { 1 }
    }
}

/// A URL as the filter asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Envoy cluster.
    pub cluster: String,
    /// `:authority`.
    pub authority: String,
    /// `:path`.
    pub path: String,
}

impl Address {
    /// Where `url` leads; none if no filter would ask for it.
    pub fn of(url: &str) -> Option<Self> {
        const TIMEOUT_MS: u32 = 1_000;
        let Ok(remote) = Remote::of(url, &[], TIMEOUT_MS) else {
            return None;
        };
        Some(Self {
            cluster: remote.cluster,
            authority: remote.authority,
            path: remote.path,
        })
    }
}

impl Authentication {
    /// Key sets by address.
    pub fn addresses(&self) -> impl Iterator<Item = (Address, &Served)> {
        let served = self.served.iter();
        served.filter_map(|(url, served)| Some((Address::of(url)?, served)))
    }

    /// What a request for that address gets; none if nobody listens there.
    pub fn answer(&self, asked: &Address) -> Option<&Served> {
        let mut addresses = self.addresses();
        let (_, served) = addresses.find(|(address, _)| address == asked)?;
        (*served != Served::Unreachable).then_some(served)
    }
}
