//! The engine behind the callbacks.

use sluice_adapter::{Configured, Host, HttpFilter, Level, Setup, Shared, Step, random_seed};
use sluice_policy::{AttributeSet, Fact, HeaderEdit, HeaderLine, Request};
use sluice_traffic::breaker::{self, Admission, Upstreams};
use sluice_traffic::guard::{self, Guard, Subset};
use sluice_traffic::routing::{Dice, Forwarding, Moment, Program, Verdict, configure, decide};

use crate::report::Report;

/// The filter of one plugin configuration.
pub struct Routing {
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
    watched: Option<(usize, Subset)>,
    is_grpc: bool,
}

/// What the content type of gRPC begins with.
const GRPC: &[u8] = b"application/grpc";

impl Routing {
    fn send(request: &Request<'_>, forwarding: Forwarding<'_>) -> Step<Sent> {
        let is_watched = forwarding.admission.is_some() || forwarding.watched.is_some();
        if forwarding.response.is_empty() && !is_watched {
            return Step::Forward(forwarding.request);
        }
        let content_type = line(request, b"content-type").unwrap_or_default();
        Step::Observe {
            request: forwarding.request,
            state: Sent {
                response: forwarding.response,
                admission: forwarding.admission,
                watched: forwarding.watched,
                is_grpc: content_type.starts_with(GRPC),
            },
        }
    }
}

impl Routing {
    /// A request is over that a guard watches. Of one whose end was missed nothing is
    /// known.
    fn tell_guard(&mut self, host: Host<'_>, number: usize, subset: Subset, end: &End) {
        let Some(duration_ns) = host.request_duration_ns() else {
            return;
        };
        let outcome = guard::Outcome::of(end.status, end.grpc_status, end.flags);
        if let Some(guard) = self.guards.get_mut(number) {
            guard.observe(subset, outcome, duration_ns / 1_000);
        }
    }

    /// A request is over that counted as under way.
    fn take_back(&mut self, host: Host<'_>, admission: &Admission, end: &End) {
        let status = end.status.unwrap_or_default();
        let outcome = breaker::Outcome::of(status, end.grpc_status, end.flags);
        let attempts = host.upstream_attempts().unwrap_or_default();
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
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
struct End {
    status: Option<u16>,
    grpc_status: Option<u32>,
    flags: u64,
}

impl End {
    fn of(host: Host<'_>, is_grpc: bool) -> Self {
        Self {
            status: host.response_code(),
            // Envoy makes one up for what is no gRPC.
            grpc_status: if is_grpc { host.grpc_status() } else { None },
            flags: host.response_flags().unwrap_or_default(),
        }
    }
}

/// The first line of a header.
fn line<'a>(request: &Request<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let Fact::Present(lines) = request.headers else {
        return None;
    };
    let line = lines.iter().find(|(other, _)| *other == name);
    line.map(|(_, value)| *value)
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
        let filter = Self {
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
            Verdict::Forward(forwarding) => Self::send(request, forwarding),
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
        let end = End::of(host, sent.is_grpc);
        if let Some((number, subset)) = sent.watched {
            self.tell_guard(host, number, subset, &end);
        }
        if let Some(admission) = &sent.admission {
            self.take_back(host, admission, &end);
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

    /// Requests go where Envoy's own routes send them.
    fn unconfigured() -> Step<Sent> {
        Step::Continue
    }
}
