//! The engine behind the callbacks.

use sluice_adapter::{Configured, Host, HttpFilter, Setup, Step, Woken, random_seed};
use sluice_policy::{AttributeSet, Request};
use sluice_traffic::fault::{Decision, Moment, Pending, Program, Share, Withheld, configure};
use sluice_traffic::routing::Dice;

use crate::report::{Kind, Report};

/// The filter of one plugin configuration.
pub struct Faults {
    program: Program,
    /// Chance of all requests, where no seed gives each its own.
    dice: Dice,
    share: Share,
    report: Report,
}

impl Faults {
    fn follow(&mut self, host: Host<'_>, decision: Decision) -> Step<Pending> {
        let Self {
            program, report, ..
        } = self;
        match decision {
            Decision::Pass(why) => {
                if let Some(why) = why {
                    report.withheld(host, why);
                }
                Step::Continue
            }
            Decision::Delay {
                for_ms,
                pending,
                route,
            } => {
                report.injected(host, Kind::Delay, program.route_name(route));
                Step::Delay {
                    for_ms,
                    state: pending,
                }
            }
            Decision::Abort {
                reply,
                route,
                overflow,
            } => {
                if overflow {
                    report.withheld(host, Withheld::Overflow);
                }
                report.injected(host, Kind::Abort, program.route_name(route));
                Step::Reply(reply)
            }
        }
    }
}

fn now_ms(host: Host<'_>) -> Option<u64> {
    host.now_ms().ok()
}

impl HttpFilter for Faults {
    const NAME: &'static str = "sluice-fault";
    const HAS_CALLOUTS: bool = false;
    const HAS_DELAYS: bool = true;
    /// Who misspells a fault wants one, not an outage.
    const REFUSES_BAD_CONFIGURATION: bool = false;
    /// What follows a delay.
    type Waiting = Pending;

    fn configure(setup: Setup<'_>) -> Configured<Self> {
        let (program, diagnostics) = configure(setup.configuration, setup.workload, None);
        let filter = Self {
            program,
            dice: Dice::new(random_seed(), 0),
            share: Share::default(),
            report: Report::default(),
        };
        Configured::new(filter, &diagnostics)
    }

    fn demand(&self) -> AttributeSet {
        self.program.demand()
    }

    /// Everything was decided when the request came.
    fn demand_when_due(&self) -> AttributeSet {
        AttributeSet::EMPTY
    }

    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Pending> {
        let seed = self.program.seed();
        let mut own_dice = seed.map(|seed| Dice::of_request(seed, request));
        let moment = Moment {
            dice: own_dice.as_mut().unwrap_or(&mut self.dice),
            share: &mut self.share,
            delayed: host.delayed(),
            now_ms: || now_ms(host),
        };
        let decision = self.program.decide(request, moment);
        self.follow(host, decision)
    }

    fn on_woken(
        &mut self,
        host: Host<'_>,
        _: &Request<'_>,
        pending: Pending,
        why: Woken,
    ) -> Step<Pending> {
        if why == Woken::Crowded {
            self.report.withheld(host, Withheld::Overflow);
        }
        let decision = self.program.resume(pending, || now_ms(host));
        self.follow(host, decision)
    }

    fn on_tick(&mut self, host: Host<'_>) {
        self.share.tick();
        self.report.flush(host);
    }

    /// Nobody asked for a fault.
    fn unconfigured() -> Step<Pending> {
        Step::Continue
    }
}
