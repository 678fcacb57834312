//! The fault engine, natively. Nobody waits: what follows a delay follows at once.

use std::time::{SystemTime, UNIX_EPOCH};

use sluice_traffic::fault::{Decision, Moment, Program, Share, configure};
use sluice_traffic::routing::Dice;

use super::Stopped;
use crate::cases::front::Fronted;
use crate::cases::scenario::Scenario;

/// Any: no case hangs on it.
const SEED: u64 = 11;

/// The filter of one proxy.
pub struct Faults {
    program: Program,
    dice: Dice,
    share: Share,
}

impl Faults {
    /// The filter of a scenario, if it has one.
    ///
    /// # Errors
    /// Its configuration is refused.
    pub fn of(scenario: &Scenario) -> Result<Option<Self>, String> {
        let Some(plugin) = &scenario.faults else {
            return Ok(None);
        };
        let config = plugin.config().to_string();
        let (program, diagnostics) = configure(config.as_bytes(), Some(&scenario.workload), None);
        if diagnostics.has_errors() {
            return Err(format!("configuration refused: {diagnostics}"));
        }
        Ok(Some(Self {
            program,
            dice: Dice::new(SEED, 0),
            share: Share::default(),
        }))
    }

    /// Passes the request through the filter.
    ///
    /// # Errors
    /// The reply.
    pub fn pass(&mut self, scenario: &Scenario, fronted: &Fronted) -> Result<(), Stopped> {
        let lines = super::lines(scenario, fronted);
        let demand = self.program.demand();
        let request = super::demanded(super::request(scenario, fronted, &lines), demand);
        let seed = self.program.seed();
        let mut own_dice = seed.map(|seed| Dice::of_request(seed, &request));
        let moment = Moment {
            dice: own_dice.as_mut().unwrap_or(&mut self.dice),
            share: &mut self.share,
            delayed: 0,
            now_ms,
        };
        let decision = match self.program.decide(&request, moment) {
            Decision::Delay { pending, .. } => self.program.resume(pending, now_ms),
            decision => decision,
        };
        match decision {
            Decision::Abort { reply, .. } => Err(Stopped::Replied(reply)),
            Decision::Pass(_) | Decision::Delay { .. } => Ok(()),
        }
    }
}

/// By the clock on the wall, as a real Envoy: a case of a fault that ends names a time
/// long past or far off.
fn now_ms() -> Option<u64> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).ok()
}
