//! A service whose answers take as long as a seed says, as those of real ones do.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{Response, StatusCode};
use hyper::body::Incoming;
use tonic::body::Body;

use crate::{
    LabError,
    server::{Handler, Server},
};

/// How a service does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conduct {
    /// Half of its answers take no longer.
    pub median: Duration,
    /// Its 99th percentile as a multiple of that.
    pub p99: f64,
    /// Share of requests that it answers with 503.
    pub failing: f64,
}

/// How it does, by the host that is asked for.
type Conducts = fn(&str) -> Conduct;

/// A request with this header is answered with 503.
pub const FAILS: &str = "x-fails";

/// The service; dropping it ends it.
#[derive(Debug)]
pub struct Drawn {
    server: Server,
}

impl Drawn {
    /// Starts it on a port of its own. Each host has a seed of its own, made of `seed` and
    /// its name.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(seed: u64, conducts: Conducts) -> Result<Self, LabError> {
        let lots = Lots {
            conducts,
            seed,
            of_hosts: Mutex::default(),
        };
        Ok(Self {
            server: Server::start("drawn", lots)?,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }
}

struct Lots {
    conducts: Conducts,
    seed: u64,
    of_hosts: Mutex<HashMap<String, Lot>>,
}

/// The numbers that are drawn for one host.
struct Lot {
    next: u64,
    /// The second of two normal numbers.
    spare: Option<f64>,
}

/// 2^64 divided by the golden ratio: the step of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The 99th percentile of a standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874;

impl Lots {
    /// How long an answer takes, and whether it is an error.
    fn draw(&self, host: &str, conduct: Conduct) -> (Duration, bool) {
        let mut of_hosts = self.of_hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let lot = of_hosts
            .entry(host.to_owned())
            .or_insert_with(|| Lot::new(self.seed, host));
        (lot.latency(conduct), lot.uniform() < conduct.failing)
    }
}

impl Lot {
    fn new(seed: u64, host: &str) -> Self {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(STEP);
        Self {
            next: host.bytes().fold(seed, step),
            spare: None,
        }
    }

    /// From 0 up to 1.
    fn uniform(&mut self) -> f64 {
        self.next = self.next.wrapping_add(STEP);
        let mut number = self.next;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let top = u32::try_from((number ^ (number >> 31)) >> 32).unwrap_or_default();
        f64::from(top) / f64::from(u32::MAX)
    }

    /// By the method of Box and Muller.
    fn normal(&mut self) -> f64 {
        if let Some(number) = self.spare.take() {
            return number;
        }
        let length = (-2.0 * self.uniform().max(f64::EPSILON).ln()).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(length * angle.sin());
        length * angle.cos()
    }

    /// A logarithm of latencies is mostly normal.
    fn latency(&mut self, conduct: Conduct) -> Duration {
        let spread = conduct.p99.ln() / NORMAL_P99;
        conduct.median.mul_f64((spread * self.normal()).exp())
    }
}

impl Handler for Lots {
    async fn answer(&self, request: http::Request<Incoming>) -> Response<Body> {
        let host = request.headers().get(http::header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let (latency, is_failing) = self.draw(host, (self.conducts)(host));
        tokio::time::sleep(latency).await;
        let mut response = Response::new(Body::empty());
        if is_failing || request.headers().contains_key(FAILS) {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }
}
