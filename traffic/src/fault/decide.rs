//! Which faults one request meets.

use sluice_policy::{Reply, Request};

use super::program::{Program, RouteId};
use super::share::Share;
use super::{AbortStatus, Fault};
use crate::config::MILLION;
use crate::routing::{Chance, Draw};

/// What is to happen with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It goes on; why it meets no fault, if it would have.
    Pass(Option<Withheld>),
    /// It is held back, and decided on again by [`Program::resume`].
    Delay {
        /// How long.
        for_ms: u32,
        /// What follows then.
        pending: Pending,
        /// Whose delay it is.
        route: RouteId,
    },
    /// It is answered.
    Abort {
        /// The answer.
        reply: Reply,
        /// Whose abort it is.
        route: RouteId,
        /// Whether it was to be delayed before, and could not be.
        overflow: bool,
    },
}

/// Why a fault is not injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The configuration cannot be used.
    Misconfigured,
    /// The request does not ask for faults.
    NotOptedIn,
    /// The time of faults is over.
    Expired,
    /// Enough requests met one.
    Ceiling,
    /// Enough requests are delayed.
    Overflow,
}

impl Withheld {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Misconfigured => "misconfigured",
            Self::NotOptedIn => "not_opted_in",
            Self::Expired => "expired",
            Self::Ceiling => "ceiling",
            Self::Overflow => "overflow",
        }
    }
}

/// What follows a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    abort: Option<AbortStatus>,
    route: RouteId,
}

/// What a decision needs beside the request.
pub struct Moment<'m, C> {
    /// Chance.
    pub dice: &'m mut dyn Chance,
    /// Requests of the last minute.
    pub share: &'m mut Share,
    /// How many requests are delayed now.
    pub delayed: usize,
    /// The time in milliseconds since 1970, where there is a clock. It is asked for only
    /// when a fault would be injected.
    pub now_ms: C,
}

impl Program {
    /// Decides on a request that has come.
    ///
    /// The dice for the delay and for the abort are thrown here, each for itself; the
    /// abort follows the delay. Envoy throws the second one after the delay, which makes
    /// no difference to anybody, but the same seed gives the same faults here, however
    /// requests overtake each other.
    pub fn decide<C: FnOnce() -> Option<u64>>(
        &self,
        request: &Request<'_>,
        moment: Moment<'_, C>,
    ) -> Decision {
        moment.share.count();
        if self.is_broken {
            return Decision::Pass(Some(Withheld::Misconfigured));
        }
        let (route, fault) = self.fault(request);
        let Some(fault) = fault else {
            return Decision::Pass(None);
        };
        let opt_in = self.rails.opt_in.as_ref();
        if opt_in.is_some_and(|opt_in| !opt_in.is_in(request)) {
            return Decision::Pass(Some(Withheld::NotOptedIn));
        }
        let Moment {
            dice,
            share,
            delayed,
            now_ms,
        } = moment;
        let mut hits = |share| dice.point(Draw::Other, MILLION) < share;
        let delay = fault.delay.filter(|delay| hits(delay.share));
        let abort = fault.abort.filter(|abort| hits(abort.share));
        if delay.is_none() && abort.is_none() {
            return Decision::Pass(None);
        }
        let left_ms = self.rails.left_ms(now_ms());
        if left_ms == 0 {
            return Decision::Pass(Some(Withheld::Expired));
        }
        let has_room = delayed < self.rails.most_active;
        if delay.is_some() && !has_room && abort.is_none() {
            return Decision::Pass(Some(Withheld::Overflow));
        }
        if !share.affect(self.rails.most_affected) {
            return Decision::Pass(Some(Withheld::Ceiling));
        }
        let status = abort.map(|abort| abort.status);
        match (delay, status) {
            (Some(delay), _) if has_room => Decision::Delay {
                // Nobody is held back by a fault that is over.
                for_ms: u32::try_from(left_ms)
                    .map_or(delay.for_ms, |left_ms| left_ms.min(delay.for_ms)),
                pending: Pending {
                    abort: status,
                    route,
                },
                route,
            },
            (delay, Some(status)) => Decision::Abort {
                reply: status.reply(),
                route,
                overflow: delay.is_some(),
            },
            (_, None) => Decision::Pass(None),
        }
    }

    /// Decides on a request whose delay is over. One whose fault has expired meanwhile
    /// goes on.
    pub fn resume(&self, pending: Pending, now_ms: impl FnOnce() -> Option<u64>) -> Decision {
        let Pending { abort, route } = pending;
        let Some(status) = abort else {
            return Decision::Pass(None);
        };
        if self.rails.left_ms(now_ms()) == 0 {
            return Decision::Pass(Some(Withheld::Expired));
        }
        Decision::Abort {
            reply: status.reply(),
            route,
            overflow: false,
        }
    }

    /// The fault that a request may meet, before any dice and guard rails: what it asks for
    /// itself stands in for what its route has.
    pub fn fault(&self, request: &Request<'_>) -> (RouteId, Option<Fault>) {
        let (route, fault) = self.route(request);
        let Some(header_faults) = &self.rails.header_faults else {
            return (route, fault);
        };
        let asked = header_faults.asked(request);
        let delay = asked.delay.or(fault.and_then(|fault| fault.delay));
        let abort = asked.abort.or(fault.and_then(|fault| fault.abort));
        let is_any = delay.is_some() || abort.is_some();
        (route, is_any.then_some(Fault { delay, abort }))
    }
}

#[cfg(test)]
mod tests;
