//! The routing engine, natively.

use sluice_traffic::breaker::{Admission, Outcome, Refusal, Upstreams, Weighted};
use sluice_traffic::guard::Guard;
use sluice_traffic::routing::{
    Canary, Chance, Decision, Dice, Draw, Moment, Program, Verdict, World, configure, decide,
};

use super::{Stopped, edits};
use crate::cases::front::Fronted;
use crate::cases::scenario::{Header, Scenario};

/// Any: no case hangs on it.
const SEED: u64 = 7;

/// All requests of a case come at once.
const NOW_MS: u64 = 0;

/// The filter of one proxy, which remembers how far its splits are.
pub struct Router {
    program: Program,
    dice: Dice,
    upstreams: Upstreams,
    guards: Vec<Guard>,
}

impl Router {
    /// The filter of a scenario, if it has one.
    ///
    /// # Errors
    /// Its configuration is refused.
    pub fn of(scenario: &Scenario) -> Result<Option<Self>, String> {
        let Some(plugin) = &scenario.routing else {
            return Ok(None);
        };
        let config = plugin.config().to_string();
        let (program, diagnostics) = configure(config.as_bytes(), Some(&scenario.workload));
        if diagnostics.has_errors() {
            return Err(format!("configuration refused: {diagnostics}"));
        }
        Ok(Some(Self {
            dice: Dice::new(SEED, program.split_count()),
            upstreams: Upstreams::new(&program.policies(), NOW_MS),
            guards: program.guards().iter().cloned().map(Guard::new).collect(),
            program,
        }))
    }

    /// Passes the request through the filter; the upstream answers 200.
    ///
    /// # Errors
    /// The reply.
    pub fn pass(
        &mut self,
        scenario: &Scenario,
        fronted: &mut Fronted,
        response: &mut Vec<Header>,
    ) -> Result<(), Stopped> {
        let lines = super::lines(scenario, fronted);
        let demand = self.program.demand();
        let request = super::demanded(super::request(scenario, fronted, &lines), demand);
        let seed = self.program.seed();
        let mut own_dice = seed.map(|seed| Dice::of_request(seed, &request));
        let moment = Moment {
            dice: own_dice.as_mut().unwrap_or(&mut self.dice),
            upstreams: &mut self.upstreams,
            guards: &self.guards,
            now_ms: NOW_MS,
        };
        let Decision { verdict, .. } = match scenario.dealt {
            Some(number) => decide(&self.program, &request, &mut Dealt { number, moment }),
            None => {
                let mut moment = moment;
                decide(&self.program, &request, &mut moment)
            }
        };
        match verdict {
            Verdict::Pass(edits) => edits::apply(&mut fronted.headers, &edits),
            Verdict::Reply(reply) => return Err(Stopped::Replied(reply)),
            Verdict::Refuse(refusal) => return Err(Stopped::Replied(refusal.reply())),
            Verdict::Forward(to) => {
                edits::apply(&mut fronted.headers, &to.request);
                edits::apply(response, &to.response);
                if let Some(admission) = to.admission {
                    let answer = Outcome::Answer(200);
                    self.upstreams.end(&admission, answer, 1, NOW_MS);
                }
            }
        }
        Ok(())
    }
}

/// One number in place of chance, taken as Envoy takes a random one.
struct Dealt<'w> {
    number: u64,
    moment: Moment<'w>,
}

impl Chance for Dealt<'_> {
    fn point(&mut self, _: Draw, total: u32) -> u32 {
        let point = self.number.checked_rem(u64::from(total));
        u32::try_from(point.unwrap_or_default()).unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        self.number
    }
}

impl World for Dealt<'_> {
    fn begin(
        &mut self,
        route: &[Weighted],
        given: usize,
        retries: u32,
    ) -> Result<Admission, Refusal> {
        self.moment.begin(route, given, retries)
    }

    fn cancel(&mut self, admission: &Admission) {
        self.moment.cancel(admission);
    }

    fn canary(&self, guard: usize) -> Canary {
        self.moment.canary(guard)
    }
}
