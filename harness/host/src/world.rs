//! What surrounds a chain: time, chance, the proxy itself and its services.

use crate::attributes::Attributes;
use crate::callout::{Callouts, NoCallouts};
use crate::headers::Headers;
use crate::outcome::LogLevel;
use crate::random::Random;

/// What Envoy's HTTP connection manager does before any filter sees a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionManager {
    /// Sets `x-request-id` where the request has none.
    pub request_id: bool,
    /// Sets `x-forwarded-proto` where the request has none, from its scheme.
    pub forwarded_proto: bool,
    /// Sets `:scheme` where the request has none.
    pub scheme: bool,
    /// Cuts the fragment off `:path`.
    pub strip_fragment: bool,
}

impl Default for ConnectionManager {
    fn default() -> Self {
        Self {
            request_id: true,
            forwarded_proto: true,
            scheme: true,
            strip_fragment: true,
        }
    }
}

impl ConnectionManager {
    /// Leaves requests as they are, for recordings made behind the connection
    /// manager.
    pub const NONE: Self = Self {
        request_id: false,
        forwarded_proto: false,
        scheme: false,
        strip_fragment: false,
    };

    /// Does to request headers what Envoy does before filters see them.
    pub(crate) fn prepare(self, headers: &mut Headers, random: &mut Random) {
        if self.strip_fragment {
            let path = headers.get(":path").unwrap_or_default();
            let kept = path
                .iter()
                .position(|byte| *byte == b'#')
                .and_then(|mark| path.get(..mark));
            if let Some(kept) = kept.map(<[u8]>::to_vec) {
                headers.set(":path", kept);
            }
        }
        if self.scheme && headers.get(":scheme").is_none() {
            let secure = headers.get("x-forwarded-proto") == Some(b"https");
            headers.add(":scheme", if secure { "https" } else { "http" });
        }
        if self.forwarded_proto && headers.get("x-forwarded-proto").is_none() {
            let scheme = headers.get(":scheme").unwrap_or(b"http").to_vec();
            headers.add("x-forwarded-proto", scheme);
        }
        if self.request_id && headers.get("x-request-id").is_none() {
            headers.add("x-request-id", random.uuid());
        }
    }
}

/// The surroundings of one chain.
pub struct World {
    /// Start of the virtual clock, nanoseconds since the Unix epoch.
    pub now_ns: u64,
    /// Seed of everything random: WASI `random_get`, request ids.
    pub seed: u64,
    /// Attributes of the proxy: `xds.node`, `xds.listener_direction`, ….
    /// An exchange's own attributes come first.
    pub proxy: Attributes,
    /// The services that plugins can call.
    pub callouts: Box<dyn Callouts>,
    /// How many more VMs start and configure each plugin before the one that
    /// serves: Envoy at concurrency 1 has two, on its main thread. What they
    /// count, log and share stays; then they are gone.
    pub main_thread_starts: u32,
    /// How much virtual time [`Chain::run`](crate::Chain::run) gives a paused
    /// stream to go on, in nanoseconds.
    pub hold_limit_ns: u64,
    /// What happens to requests before filters.
    pub connection_manager: ConnectionManager,
    /// What `proxy_get_log_level` says; lines below it are dropped.
    pub log_level: LogLevel,
    /// Whether there are Envoy's foreign functions. A guest that finds one missing
    /// has to do without it, as in other hosts.
    pub foreign_functions: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            // 2026-01-01T00:00:00Z.
            now_ns: 1_767_225_600_000_000_000,
            seed: 0,
            proxy: Attributes::new(),
            callouts: Box::new(NoCallouts),
            main_thread_starts: 0,
            hold_limit_ns: 30_000_000_000,
            connection_manager: ConnectionManager::default(),
            log_level: LogLevel::Info,
            foreign_functions: true,
        }
    }
}
