//! The engine behind the callbacks.

use sluice_adapter::{Configured, Host, HttpFilter, Setup, Step, random_seed};
use sluice_policy::{Attribute, AttributeSet, Fact, HeaderEdit, HeaderLine, Request};
use sluice_traffic::routing::{Decision, Dice, Program, Verdict, configure, decide};

use crate::report::Report;

/// The filter of one plugin configuration.
pub struct Routing {
    program: Program,
    /// Chance of all requests, where no seed gives each its own.
    dice: Dice,
    report: Report,
    demand: AttributeSet,
}

/// What is kept of a request until its response.
pub struct Sent {
    response: Vec<HeaderEdit>,
}

/// By what a seed tells requests apart.
const REQUEST_ID: &[u8] = b"x-request-id";

impl Routing {
    fn decide<'p>(program: &'p Program, dice: &mut Dice, request: &Request<'_>) -> Decision<'p> {
        match program.seed() {
            None => decide(program, request, dice),
            Some(seed) => decide(program, request, &mut Dice::of_request(seed, id(request))),
        }
    }
}

fn id<'a>(request: &Request<'a>) -> &'a [u8] {
    let Fact::Present(lines) = request.headers else {
        return b"";
    };
    let id = lines.iter().find(|(name, _)| *name == REQUEST_ID);
    id.map_or(b"", |(_, id)| *id)
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
        let decision = Self::decide(&self.program, &mut self.dice, request);
        self.report.decision(host, &decision);
        match decision.verdict {
            Verdict::Pass(edits) if edits.is_empty() => Step::Continue,
            Verdict::Pass(edits) => Step::Forward(edits),
            Verdict::Reply(reply) => Step::Reply(reply),
            Verdict::Forward(forwarding) if forwarding.response.is_empty() => {
                Step::Forward(forwarding.request)
            }
            Verdict::Forward(forwarding) => Step::Observe {
                request: forwarding.request,
                state: Sent {
                    response: forwarding.response,
                },
            },
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

    fn on_tick(&mut self, host: Host<'_>) {
        self.report.flush(host);
    }

    /// Requests go where Envoy's own routes send them.
    fn unconfigured() -> Step<Sent> {
        Step::Continue
    }
}
