//! Everything that a VM keeps of the destinations that requests are sent to.

use super::{Breaker, Choice, Ejection, Outcome, Refusal, Weighted, choose};
use crate::destination_rule::SubsetPolicy;
use crate::retry_budget::RetryBudget;

/// Breakers and budgets, by the number of their destination.
#[derive(Debug, Clone, Default)]
pub struct Upstreams {
    breakers: Vec<Breaker>,
    budgets: Vec<Option<RetryBudget>>,
}

/// A request that was sent; [`Upstreams::end`] takes it back.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the request counts as under way until `Upstreams::end` has it"]
pub struct Admission {
    /// Where it goes.
    pub choice: Choice,
    /// How many retries it may have: as many as were wanted, or fewer.
    pub retries: u32,
    upstream: Option<usize>,
}

impl Admission {
    /// The number of the destination that it is counted at.
    pub fn upstream(&self) -> Option<usize> {
        self.upstream
    }
}

impl Upstreams {
    /// Of destinations for which this holds, in the order of their numbers.
    pub fn new(policies: &[SubsetPolicy], now_ms: u64) -> Self {
        let budget = |policy: &SubsetPolicy| {
            let budget = policy.retry_budget?;
            Some(RetryBudget::new(budget, now_ms))
        };
        Self {
            breakers: policies.iter().map(Breaker::new).collect(),
            budgets: policies.iter().map(budget).collect(),
        }
    }

    /// A request of a route is to go to the destination `given`, and would have up to
    /// `retries`. See [`choose`] for `random`.
    ///
    /// # Errors
    ///
    /// It is to be answered at once.
    pub fn begin(
        &mut self,
        route: &[Weighted],
        given: usize,
        retries: u32,
        random: u64,
        now_ms: u64,
    ) -> Result<Admission, Refusal> {
        let choice = choose(&mut self.breakers, route, given, random, now_ms)?;
        let upstream = route.get(choice.destination(given));
        let upstream = upstream.map(|destination| destination.breaker);
        let retries = match self.budget(upstream) {
            Some(budget) => budget.begin(now_ms, retries),
            None => retries,
        };
        Ok(Admission {
            choice,
            retries,
            upstream,
        })
    }

    /// The request has ended so, after that many attempts: `upstream.request_attempt_count`,
    /// or 0 where there is none, as no attempt was made then. Tells whether its subset has
    /// been ejected for it.
    pub fn end(
        &mut self,
        admission: &Admission,
        outcome: Outcome,
        attempts: u32,
        now_ms: u64,
    ) -> Option<Ejection> {
        if let Some(budget) = self.budget(admission.upstream) {
            budget.end(admission.retries, attempts);
        }
        let breaker = self.breakers.get_mut(admission.upstream?)?;
        breaker.on_end();
        breaker.on_response(now_ms, outcome)
    }

    /// The request is not sent after all.
    pub fn cancel(&mut self, admission: &Admission) {
        if let Some(budget) = self.budget(admission.upstream) {
            budget.cancel(admission.retries);
        }
        let breaker = admission
            .upstream
            .and_then(|upstream| self.breakers.get_mut(upstream));
        if let Some(breaker) = breaker {
            breaker.on_end();
        }
    }

    fn budget(&mut self, upstream: Option<usize>) -> Option<&mut RetryBudget> {
        self.budgets.get_mut(upstream?)?.as_mut()
    }

    /// How many destinations are ejected now, whether or not routes do without them.
    pub fn ejected(&mut self, now_ms: u64) -> usize {
        let breakers = self.breakers.iter_mut();
        let ejected = breakers.filter_map(|breaker| breaker.ejected_since(now_ms));
        ejected.count()
    }

    /// Requests that had fewer retries than they would have had, so far.
    pub fn curtailed(&self) -> u64 {
        let budgets = self.budgets.iter().flatten();
        budgets.map(RetryBudget::refused).sum()
    }

    /// Requests under way.
    pub fn active(&self) -> u64 {
        let active = self.breakers.iter().map(Breaker::active);
        active.map(u64::from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination_rule::{BudgetPolicy, Limits, Outlier};

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROUTE: [Weighted; 2] = [
        Weighted {
            breaker: 1,
            weight: 95,
        },
        Weighted {
            breaker: 0,
            weight: 5,
        },
    ];

    /// The canary and what it is to replace.
    fn upstreams() -> Upstreams {
        let canary = SubsetPolicy {
            outlier: Some(Outlier::default()),
            ..SubsetPolicy::default()
        };
        let stable = SubsetPolicy {
            limits: Limits {
                max_requests: Some(8),
            },
            retry_budget: Some(BudgetPolicy::default()),
            ..SubsetPolicy::default()
        };
        Upstreams::new(&[canary, stable], 0)
    }

    #[test]
    fn a_request_is_counted_where_it_goes() {
        let mut upstreams = upstreams();
        for number in 1..=5 {
            let sent = upstreams.begin(&ROUTE, 1, 3, 7, 0).unwrap();
            assert_eq!((sent.choice, sent.retries), (Choice::Given, 3));
            assert_eq!(sent.upstream(), Some(0));
            let ejection = upstreams.end(&sent, Outcome::Answer(503), 4, 0);
            assert_eq!(ejection.is_some(), number == 5, "{number}");
        }
        assert_eq!((upstreams.ejected(0), upstreams.ejected(30_000)), (1, 0));
    }

    #[test]
    fn a_request_that_is_moved_is_the_other_ones() {
        let mut upstreams = upstreams();
        for _ in 0..5 {
            let sent = upstreams.begin(&ROUTE, 1, 0, 7, 0).unwrap();
            upstreams.end(&sent, Outcome::Answer(503), 1, 0);
        }
        let sent: Vec<_> = (0..8)
            .map(|_| upstreams.begin(&ROUTE, 1, 3, 7, 0).unwrap())
            .collect();
        assert!(sent.iter().all(|sent| sent.choice == Choice::Moved(0)));
        assert!(sent.iter().all(|sent| sent.upstream() == Some(1)));
        assert_eq!(upstreams.begin(&ROUTE, 1, 3, 7, 0), Err(Refusal::Overflow));
        assert_eq!((upstreams.active(), upstreams.curtailed()), (8, 0));
        for sent in &sent {
            upstreams.end(sent, Outcome::Answer(503), 4, 0);
        }
        assert_eq!(upstreams.active(), 0);
        let sent = upstreams.begin(&ROUTE, 0, 3, 7, 0).unwrap();
        assert_eq!((sent.retries, upstreams.curtailed()), (0, 1));
    }

    /// A canary that is dead for a while, at 100 requests a second: requests that fail.
    fn failures(outlier: Option<Outlier>, seconds: u64) -> u32 {
        let policy = SubsetPolicy {
            outlier,
            ..SubsetPolicy::default()
        };
        let mut upstreams = Upstreams::new(&[policy, policy], 0);
        let mut failures = 0;
        for number in 0..seconds * 100 {
            // A low discrepancy stands for chance.
            let point = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let given = usize::from(point % 100 >= 95);
            let sent = upstreams
                .begin(&ROUTE, given, 0, point, number * 10)
                .unwrap();
            let is_dead = sent.choice.destination(given) == 1;
            failures += u32::from(is_dead);
            let outcome = Outcome::Answer(if is_dead { 503 } else { 200 });
            upstreams.end(&sent, outcome, 1, number * 10);
        }
        assert_eq!(upstreams.active(), 0);
        failures
    }

    #[test]
    fn a_dead_canary_fails_a_few_requests_of_each_ejection() {
        let without = failures(None, 600);
        let with = failures(Some(Outlier::default()), 600);
        println!(
            "dead canary of 5 %, 60000 requests in 10 minutes: {with} fail, {without} without"
        );
        // It is ejected for 30 s, 60 s, … 210 s, as far as ten minutes go.
        assert!(
            without > 2_900 && (25..=35).contains(&with),
            "{without} {with}"
        );
        assert_eq!(with % 5, 0);
    }
}
