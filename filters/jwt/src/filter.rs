//! The engine behind the callbacks.

use sluice_adapter::{Configured, Host, HttpFilter, Level, Setup, Step, Wants, Woken, random_seed};
use sluice_jwt::{
    MAX_JWKS_BYTES, Outcome, Program, Progress, Status, Verdict, authenticate, configure, refusal,
};
use sluice_policy::{AttributeSet, CalloutEvent, Request};

use crate::keyring::Keyring;
use crate::report::Report;
use crate::session::Session;

/// The property by which later filters learn what a token says.
const HANDED_OVER: &str = "sluice.jwt";

/// The filter of one plugin configuration.
pub struct Jwt {
    program: Program,
    keyring: Keyring,
    report: Report,
}

impl Jwt {
    fn judge(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<()> {
        let Ok(now_ms) = host.now_ms() else {
            // Without a clock no token is known to be good still.
            return self.refuse(host, request, Status::Unreadable);
        };
        let mut session = Session {
            host,
            keyring: &mut self.keyring,
            report: &mut self.report,
            now_ms,
        };
        match authenticate(&self.program, request, now_ms / 1_000, &mut session) {
            Progress::Wait(_) => {
                self.keyring.look_again();
                self.report.parked(host);
                Step::Park(())
            }
            Progress::Done(outcome) => self.follow(host, request, outcome),
        }
    }

    fn follow(&mut self, host: Host<'_>, request: &Request<'_>, outcome: Outcome) -> Step<()> {
        let Outcome {
            verdict,
            edits,
            identity,
        } = outcome;
        if let Verdict::Refuse(status) = verdict {
            return self.refuse(host, request, status);
        }
        if let Some(identity) = &identity
            && host.set_property(HANDED_OVER, &identity.json).is_err()
        {
            // A policy that denies by claims must not miss them.
            host.log(Level::Error, "sluice-jwt: the host keeps no properties");
            return self.refuse(host, request, Status::Unreadable);
        }
        self.report.passed(host, identity.as_deref());
        Step::Forward(edits)
    }

    fn refuse(&mut self, host: Host<'_>, request: &Request<'_>, status: Status) -> Step<()> {
        self.report.refused(host, status);
        Step::Reply(refusal(status, request))
    }
}

impl HttpFilter for Jwt {
    const NAME: &'static str = "sluice-jwt";
    const HAS_CALLOUTS: bool = false;
    const HAS_ERRANDS: bool = true;
    /// One byte more than may be, so that too much is noticed.
    const MOST_ANSWER_BYTES: usize = MAX_JWKS_BYTES + 1;
    const READS_MORE_THAN_HEADERS: bool = false;
    /// A parked request is judged anew: nothing of it is kept.
    type Waiting = ();

    fn configure(setup: Setup<'_>) -> Configured<Self> {
        let (program, diagnostics) = configure(setup.configuration, setup.workload);
        let filter = Self {
            keyring: Keyring::new(program.sources(), random_seed()),
            report: Report::new(program.sources()),
            program,
        };
        Configured::new(filter, &diagnostics)
    }

    fn demand(&self) -> AttributeSet {
        self.program.demand()
    }

    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<()> {
        self.judge(host, request)
    }

    fn on_woken(&mut self, host: Host<'_>, request: &Request<'_>, (): (), why: Woken) -> Step<()> {
        match why {
            Woken::News | Woken::Due => self.judge(host, request),
            Woken::Crowded => self.refuse(host, request, Status::FetchFailed),
        }
    }

    fn wants(&mut self, host: Host<'_>) -> Wants {
        let wants = self.keyring.wants(host);
        self.report.fetching(host, wants.errands.len());
        wants
    }

    fn on_errand(&mut self, host: Host<'_>, errand: u64, event: &CalloutEvent<'_>) {
        self.keyring.on_errand(host, errand, event);
    }

    fn on_tick(&mut self, host: Host<'_>) {
        self.keyring.look_again();
        self.report.flush(host, &self.keyring);
    }

    fn unconfigured() -> Step<()> {
        Step::Reply(refusal(Status::Unconfigured, &Request::default()))
    }
}
