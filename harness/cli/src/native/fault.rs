//! The fault filter.

use sluice_policy::Request;
use sluice_traffic::fault::{Decision, Moment, Program, Share};
use sluice_traffic::routing::{Chance, Dice, Draw};

use super::{Reasons, Said};

/// What it does to a request at a time in milliseconds since 1970, as if no other one
/// had come before.
pub fn why(program: &Program, request: &Request<'_>, now_ms: u64) -> Reasons {
    let decide = |dice: &mut dyn Chance| {
        let mut share = Share::default();
        let moment = Moment {
            dice,
            share: &mut share,
            delayed: 0,
            now_ms: || Some(now_ms),
        };
        program.decide(request, moment)
    };
    let (lucky, unlucky) = match program.seed() {
        Some(seed) => {
            let decision = decide(&mut Dice::of_request(seed, request));
            (decision.clone(), decision)
        }
        None => (decide(&mut Always(false)), decide(&mut Always(true))),
    };
    let (said, line) = describe(program, &unlucky, now_ms);
    match lucky == unlucky {
        true => Reasons {
            said,
            lines: vec![line],
        },
        false => Reasons {
            said: Said::NotKnown,
            lines: vec![format!("{line}, if the dice fall so")],
        },
    }
}

fn describe(program: &Program, decision: &Decision, now_ms: u64) -> (Said, String) {
    match decision {
        Decision::Pass(None) => (Said::Passes, "Pass: no fault".to_owned()),
        Decision::Pass(Some(why)) => (Said::Passes, format!("Pass: {}", why.name())),
        Decision::Abort { reply, route, .. } => {
            let route = program.route_name(*route);
            let status = reply.status;
            let line = format!("Abort with status {status} by the route {route}");
            (Said::Refuses, line)
        }
        Decision::Delay {
            for_ms,
            pending,
            route,
        } => {
            let route = program.route_name(*route);
            let delay = format!("Delay by {for_ms} ms by the route {route}");
            match program.resume(*pending, || Some(now_ms)) {
                Decision::Abort { reply, .. } => {
                    let status = reply.status;
                    (
                        Said::Refuses,
                        format!("{delay}, then abort with status {status}"),
                    )
                }
                _ => (Said::Passes, delay),
            }
        }
    }
}

/// Dice that always hit, or never.
struct Always(bool);

impl Chance for Always {
    fn point(&mut self, _: Draw, total: u32) -> u32 {
        match self {
            Self(true) => 0,
            Self(false) => total.saturating_sub(1),
        }
    }

    fn number(&mut self) -> u64 {
        0
    }
}
