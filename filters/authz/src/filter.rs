//! The engine behind the callbacks.

use sluice_adapter::{Configured, Host, HttpFilter, Setup, Step};
use sluice_authz::ext_authz::{self, Check, Edits, Started};
use sluice_authz::{Program, Resume, Scratch, Verdict, configure, decide, refusal, reply_for};
use sluice_policy::{AttributeSet, CalloutEvent, HeaderEdit, Request};

use crate::report::Report;

/// The filter of one plugin configuration.
pub struct Authz {
    program: Program,
    scratch: Scratch,
    report: Report,
}

/// What is kept of a request while it waits, or is edited.
pub struct Pending {
    /// The check that it waits for; none while it is edited.
    check: Option<Check>,
    /// Where the decision goes on when the check has passed.
    resume: Resume,
}

impl Authz {
    fn judge(&mut self, host: Host<'_>, request: &Request<'_>, resume: Resume) -> Step<Pending> {
        let decision = decide(&self.program, &mut self.scratch, request, resume);
        self.report.decision(host, &decision);
        if let Verdict::Ask(provider) = decision.verdict {
            let resume = decision.resume;
            return match ext_authz::start(&self.program, provider, request) {
                Started::Ask(callout, check) => Step::Wait(
                    callout,
                    Pending {
                        check: Some(check),
                        resume,
                    },
                ),
                Started::Over(step) => self.follow(host, request, step, resume),
            };
        }
        reply_for(&decision).map_or(Step::Continue, Step::Reply)
    }

    fn follow(
        &mut self,
        host: Host<'_>,
        request: &Request<'_>,
        step: ext_authz::Step,
        resume: Resume,
    ) -> Step<Pending> {
        match step {
            ext_authz::Step::Allow(edits) if edits == Edits::default() => {
                self.judge(host, request, resume)
            }
            ext_authz::Step::Allow(edits) => amend(edits, resume),
            ext_authz::Step::Deny(reply) => {
                self.report.external_refusal(host, &reply);
                Step::Reply(reply)
            }
            // The call is over and there is no answer: nobody allowed the request.
            ext_authz::Step::Wait => Step::Reply(refusal("ext_authz_error")),
        }
    }
}

impl HttpFilter for Authz {
    const NAME: &'static str = "sluice-authz";
    type Waiting = Pending;

    fn configure(setup: Setup<'_>) -> Configured<Self> {
        let (program, diagnostics) = configure(setup.configuration, setup.workload);
        let filter = Self {
            program,
            scratch: Scratch::default(),
            report: Report::default(),
        };
        Configured::new(filter, &diagnostics)
    }

    fn demand(&self) -> AttributeSet {
        self.program.demand()
    }

    fn on_request(&mut self, host: Host<'_>, request: &Request<'_>) -> Step<Pending> {
        self.judge(host, request, Resume::default())
    }

    fn on_amended(
        &mut self,
        host: Host<'_>,
        request: &Request<'_>,
        state: Pending,
    ) -> Step<Pending> {
        self.judge(host, request, state.resume)
    }

    fn on_callout(
        &mut self,
        host: Host<'_>,
        request: &Request<'_>,
        state: Pending,
        event: &CalloutEvent<'_>,
    ) -> Step<Pending> {
        let step = match state.check {
            Some(mut check) => check.on(&self.program, event, request),
            None => ext_authz::Step::Wait,
        };
        self.follow(host, request, step, state.resume)
    }

    fn on_tick(&mut self, host: Host<'_>) {
        self.report.flush(host);
    }

    fn unconfigured() -> Step<Pending> {
        Step::Reply(refusal(
            "rbac_access_denied_invalid_configuration[not_configured]",
        ))
    }
}

fn amend(edits: Edits, resume: Resume) -> Step<Pending> {
    let Edits {
        mut request,
        response,
        path,
    } = edits;
    request.extend(path.map(|path| HeaderEdit::Set(b":path".to_vec(), path)));
    Step::Amend {
        request,
        response,
        state: Pending {
            check: None,
            resume,
        },
    }
}
