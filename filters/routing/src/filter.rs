//! The engine behind the callbacks.

use std::cell::Cell;

use sluice_adapter::{Configured, Host, HttpFilter, Level, Setup, Shared, Step, random_seed};
use sluice_policy::{AttributeSet, HeaderEdit, HeaderLine, Request};
use sluice_traffic::breaker::{Admission, Upstreams};
use sluice_traffic::guard::{self, Guard, latency_us};
use sluice_traffic::outcome::{Asked, End, Outcome};
use sluice_traffic::routing::{
    Dice, Forwarding, Moment, Program, Verdict, Watched, configure, decide,
};

use crate::report::Report;

thread_local! {
    /// Filters that were configured so far.
    static CONFIGURED: Cell<u32> = const { Cell::new(0) };
}

/// The filter of one plugin configuration.
pub struct Routing {
    /// Which one it is of those that the VM has had.
    number: u32,
    program: Program,
    /// Chance of all requests, where no seed gives each its own.
    dice: Dice,
    upstreams: Upstreams,
    guards: Vec<Guard>,
    /// Whether guards have seen what other VMs know.
    is_awake: bool,
    report: Report,
}

/// What is kept of a request until it is over.
pub struct Sent {
    response: Vec<HeaderEdit>,
    admission: Option<Admission>,
    /// The guard that is to hear how it went.
    watched: Option<Watched>,
    asked: Asked,
    /// The filter that sent it: the numbers above mean nothing to another.
    by: u32,
}

impl Routing {
    fn send(by: u32, request: &Request<'_>, forwarding: Forwarding<'_>) -> Step<Sent> {
        let is_watched = forwarding.admission.is_some() || forwarding.watched.is_some();
        if forwarding.response.is_empty() && !is_watched {
            return Step::Forward(forwarding.request);
        }
        let asked = if is_watched {
            Asked::of(request, &forwarding.request)
        } else {
            Asked::default()
        };
        Step::Observe {
            request: forwarding.request,
            state: Sent {
                response: forwarding.response,
                admission: forwarding.admission,
                watched: forwarding.watched,
                asked,
                by,
            },
        }
    }

    /// A request is over that a guard watches.
    fn tell_guard(&mut self, host: Host<'_>, watched: Watched, outcome: Outcome) {
        let Some(outcome) = guard::Outcome::of(outcome) else {
            return;
        };
        let latency_us = match outcome {
            guard::Outcome::Failed => Some(0),
            guard::Outcome::Left => duration_us(host),
            guard::Outcome::Good => answered_us(host),
        };
        let guard = self.guards.get_mut(watched.guard);
        if let (Some(latency_us), Some(guard)) = (latency_us, guard) {
            guard.observe(watched.subset, watched.client, outcome, latency_us);
        }
    }

    /// A request is over that counted as under way.
    fn take_back(
        &mut self,
        host: Host<'_>,
        admission: &Admission,
        outcome: Outcome,
        attempts: u32,
    ) {
        let ejection = self
            .upstreams
            .end(admission, outcome, attempts, now_ms(host));
        if let Some(ejection) = ejection {
            let name = admission
                .upstream()
                .and_then(|upstream| self.program.upstream_name(upstream));
            self.report
                .ejected(host, name.unwrap_or_default(), ejection);
        }
    }

    /// Guards compare, and hear what those of other VMs found.
    fn tick_guards(&mut self, host: Host<'_>) {
        self.is_awake = true;
        if self.guards.is_empty() {
            return;
        }
        let now_ms = now_ms(host);
        for guard in &mut self.guards {
            for event in guard.on_tick(now_ms, &mut Shared(host)) {
                host.log(Level::Warn, &event.line(guard.config()));
            }
        }
        self.report.guards(host, &self.guards);
    }
}

/// How a request ended, as the proxy says.
fn end(host: Host<'_>, sent: &Sent) -> End {
    let Asked {
        is_grpc,
        has_own_timeout,
    } = sent.asked;
    let status = host.response_code().unwrap_or_default();
    let flags = host.response_flags().unwrap_or_default();
    // Each of these is a call of the host. To a guard an ordinary answer proves by its
    // latency that it came from somewhere.
    let is_ordinary = matches!(status, 200..500) && flags == 0 && !is_grpc;
    let attempts = if is_ordinary && sent.admission.is_none() {
        1
    } else {
        attempts(host)
    };
    let has_grpc_status = is_grpc && status == 200;
    End {
        status,
        flags,
        attempts,
        grpc_status: has_grpc_status.then(|| host.grpc_status()).flatten(),
        has_own_timeout,
    }
}

fn attempts(host: Host<'_>) -> u32 {
    let attempts = host.upstream_attempts().unwrap_or_default();
    u32::try_from(attempts).unwrap_or(u32::MAX)
}

/// How long an upstream took, if one answered. A host that does not tell has the duration
/// of the whole request.
fn answered_us(host: Host<'_>) -> Option<u64> {
    let latency = latency_us(host.service_time_ms(), || host.backend_latency_ns());
    latency.or_else(|| duration_us(host).filter(|_| attempts(host) > 0))
}

/// All the time that a request took, its client's included.
fn duration_us(host: Host<'_>) -> Option<u64> {
    host.request_duration_ns().map(|nanos| nanos / 1_000)
}

/// What breakers go by. A host without a clock has none that ever close again.
fn now_ms(host: Host<'_>) -> u64 {
    host.now_ms().unwrap_or_default()
}

impl HttpFilter for Routing {
    const NAME: &'static str = "sluice-routing";
    const HAS_CALLOUTS: bool = false;
    const OBSERVES: bool = true;
    const READS_RESPONSE_HEADERS: bool = false;
    type Waiting = Sent;

    fn configure(setup: Setup<'_>) -> Configured<Self> {
        let (program, diagnostics) = configure(setup.configuration, setup.workload);
        let number = CONFIGURED.get().wrapping_add(1);
        CONFIGURED.set(number);
        let filter = Self {
            number,
            dice: Dice::new(random_seed(), program.split_count()),
            upstreams: Upstreams::new(&program.policies(), 0),
            guards: program.guards().iter().cloned().map(Guard::new).collect(),
            is_awake: false,
            report: Report::default(),
            program,
        };
        Configured::new(filter, &diagnostics)
    }

    fn demand(&self) -> AttributeSet {
        self.program.demand()
    }

    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Sent> {
        if !self.is_awake {
            self.tick_guards(host);
        }
        let seed = self.program.seed();
        let mut own_dice = seed.map(|seed| Dice::of_request(seed, request));
        let mut moment = Moment {
            dice: own_dice.as_mut().unwrap_or(&mut self.dice),
            upstreams: &mut self.upstreams,
            guards: &self.guards,
            now_ms: if self.program.is_guarded() {
                now_ms(host)
            } else {
                0
            },
        };
        let decision = decide(&self.program, request, &mut moment);
        self.report.decision(host, &decision);
        match decision.verdict {
            Verdict::Pass(edits) if edits.is_empty() => Step::Continue,
            Verdict::Pass(edits) => Step::Forward(edits),
            Verdict::Reply(reply) => Step::Reply(reply),
            Verdict::Refuse(refusal) => Step::Reply(refusal.reply()),
            Verdict::Forward(forwarding) => Self::send(self.number, request, forwarding),
        }
    }

    fn on_response(
        &mut self,
        _: Host<'_>,
        _: &[HeaderLine<'_>],
        sent: &mut Sent,
    ) -> Vec<HeaderEdit> {
        std::mem::take(&mut sent.response)
    }

    fn on_done(&mut self, host: Host<'_>, sent: Sent) {
        let is_watched = sent.admission.is_some() || sent.watched.is_some();
        if !is_watched || sent.by != self.number {
            return;
        }
        let end = end(host, &sent);
        let outcome = end.outcome(|| host.is_from_upstream());
        if let Some(watched) = sent.watched {
            self.tell_guard(host, watched, outcome);
        }
        if let Some(admission) = &sent.admission {
            self.take_back(host, admission, outcome, end.attempts);
        }
    }

    fn on_tick(&mut self, host: Host<'_>) {
        self.tick_guards(host);
        if self.program.is_guarded() {
            self.report
                .upstreams(host, &mut self.upstreams, now_ms(host));
        }
        self.report.flush(host);
    }

    fn on_drop(&mut self, host: Host<'_>) {
        self.report.flush(host);
        self.report.take_back(host);
    }

    /// Requests go where Envoy's own routes send them.
    fn unconfigured() -> Step<Sent> {
        Step::Continue
    }
}
