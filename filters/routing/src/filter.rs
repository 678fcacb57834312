//! The engine behind the callbacks.

use sluice_adapter::{Configured, Host, HttpFilter, Setup, Step, random_seed};
use sluice_policy::{Attribute, AttributeSet, Fact, HeaderEdit, HeaderLine, Request};
use sluice_traffic::breaker::{Admission, Outcome, Upstreams};
use sluice_traffic::routing::{Dice, Forwarding, Moment, Program, Verdict, configure, decide};

use crate::report::Report;

/// The filter of one plugin configuration.
pub struct Routing {
    program: Program,
    /// Chance of all requests, where no seed gives each its own.
    dice: Dice,
    upstreams: Upstreams,
    report: Report,
    demand: AttributeSet,
}

/// What is kept of a request until it is over.
pub struct Sent {
    response: Vec<HeaderEdit>,
    admission: Option<Admission>,
    is_grpc: bool,
}

/// By what a seed tells requests apart.
const REQUEST_ID: &[u8] = b"x-request-id";
/// What the content type of gRPC begins with.
const GRPC: &[u8] = b"application/grpc";

impl Routing {
    fn send(request: &Request<'_>, forwarding: Forwarding<'_>) -> Step<Sent> {
        if forwarding.response.is_empty() && forwarding.admission.is_none() {
            return Step::Forward(forwarding.request);
        }
        let content_type = line(request, b"content-type").unwrap_or_default();
        Step::Observe {
            request: forwarding.request,
            state: Sent {
                response: forwarding.response,
                admission: forwarding.admission,
                is_grpc: content_type.starts_with(GRPC),
            },
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
    host.now_ns().unwrap_or_default() / 1_000_000
}

impl HttpFilter for Routing {
    const NAME: &'static str = "sluice-routing";
    const HAS_CALLOUTS: bool = false;
    const OBSERVES: bool = true;
    const READS_RESPONSE_HEADERS: bool = false;
    type Waiting = Sent;

    fn configure(setup: Setup<'_>) -> Configured<Self> {
        let (program, diagnostics) = configure(setup.configuration, setup.workload);
        let mut demand = program.demand();
        if program.seed().is_some() {
            demand.insert(Attribute::Headers);
        }
        let filter = Self {
            dice: Dice::new(random_seed(), program.split_count()),
            upstreams: Upstreams::new(&program.policies(), 0),
            report: Report::default(),
            demand,
            program,
        };
        Configured::new(filter, &diagnostics)
    }

    fn demand(&self) -> AttributeSet {
        self.demand
    }

    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Sent> {
        let mut own_dice = self.program.seed().map(|seed| {
            let id = line(request, REQUEST_ID).unwrap_or_default();
            Dice::of_request(seed, id)
        });
        let mut moment = Moment {
            dice: own_dice.as_mut().unwrap_or(&mut self.dice),
            upstreams: &mut self.upstreams,
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
        let Some(admission) = sent.admission else {
            return;
        };
        let status = host.response_code().unwrap_or_default();
        let grpc_status = if sent.is_grpc {
            host.grpc_status()
        } else {
            None
        };
        let flags = host.response_flags().unwrap_or_default();
        let attempts = host.upstream_attempts().unwrap_or_default();
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        let outcome = Outcome::of(status, grpc_status, flags);
        let ejection = self
            .upstreams
            .end(&admission, outcome, attempts, now_ms(host));
        if let Some(ejection) = ejection {
            let name = admission
                .upstream()
                .and_then(|upstream| self.program.upstream_name(upstream));
            self.report
                .ejected(host, name.unwrap_or_default(), ejection);
        }
    }

    fn on_tick(&mut self, host: Host<'_>) {
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
