//! How many retries requests may have, so that a failing upstream does not meet a storm of
//! them.
//!
//! Envoy counts retries under way. A filter hears of a request when it begins and when it
//! has ended, and can only say at the beginning how often the router may try again. So the
//! budget is an account: a request that needed no retry pays `percent` of one in, and a
//! retry takes one out. What may be taken is known when the retries are over, so the
//! account may be overdrawn, and is balanced by requests without any: over time there are
//! fewer retries than `percent` of the requests. Retries that were permitted and may still
//! come are reserved, as many as the last requests made of theirs; so a healthy upstream
//! reserves nothing and all its requests have their retries, and one that is known to fail
//! is not overdrawn again.

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use crate::destination_rule::BudgetPolicy;

/// One retry, or the whole of a share.
const WHOLE: i64 = 1_000_000;

/// The last requests that count for what retries are used: each by one in so many.
const MEMORY: i64 = 32;

/// Most retries of one request. Clients of Envoy may ask for any number, and what they are
/// permitted is reserved.
const MOST_RETRIES: u32 = 32;

/// In what time half of a debt is forgiven. Longer than any balancing of accounts under
/// load; it is for when an outage takes the load away with it.
const HALF_LIFE_MS: u64 = 60_000;

/// The account of one destination, in one VM.
///
/// [`begin`](Self::begin) and [`end`](Self::end) come in pairs.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    policy: BudgetPolicy,
    /// What is in it, in millionths of a retry.
    balance: i64,
    /// Of the retries that were permitted, how many came: in millionths.
    use_rate: i64,
    /// Requests under way.
    live: u32,
    /// Retries that requests under way may still make.
    permitted: u32,
    /// When debt was last forgiven.
    forgiven_ms: u64,
    refused: u64,
}

impl RetryBudget {
    /// An account with `minRetryConcurrency` in it.
    pub fn new(policy: BudgetPolicy, now_ms: u64) -> Self {
        Self {
            policy,
            balance: retries(policy.min_retry_concurrency),
            use_rate: 0,
            live: 0,
            permitted: 0,
            forgiven_ms: now_ms,
            refused: 0,
        }
    }

    /// A request begins that would have up to `wanted` retries: how many it may have, which
    /// are never more than 32.
    pub fn begin(&mut self, now_ms: u64, wanted: u32) -> u32 {
        self.forgive(now_ms);
        self.live = self.live.saturating_add(1);
        let permitted = self.affordable().min(wanted).min(MOST_RETRIES);
        self.permitted = self.permitted.saturating_add(permitted);
        self.refused += u64::from(permitted < wanted.min(MOST_RETRIES));
        permitted
    }

    /// Retries that can be permitted now.
    fn affordable(&self) -> u32 {
        let reserved = i64::from(self.permitted).saturating_mul(self.use_rate);
        let free = self.balance.saturating_sub(reserved);
        if free <= 0 {
            return 0;
        }
        let retries = free.checked_div(self.use_rate);
        let most = i64::from(u32::MAX);
        retries.map_or(u32::MAX, |retries| {
            u32::try_from(retries.min(most)).unwrap_or_default()
        })
    }

    /// A request has ended that had `permitted` retries and made so many attempts; none if
    /// it never got to an upstream.
    pub fn end(&mut self, permitted: u32, attempts: u32) {
        let retries_made = attempts.saturating_sub(1);
        if retries_made == 0 {
            let deposit = i64::from(self.policy.millionths);
            self.balance = self.balance.saturating_add(deposit);
        } else {
            self.balance = self.balance.saturating_sub(retries(retries_made));
        }
        self.learn(permitted, retries_made);
        self.balance = self.balance.min(self.most());
        self.cancel(permitted);
    }

    /// A request that had `permitted` retries is not sent after all: it pays for nothing.
    pub fn cancel(&mut self, permitted: u32) {
        self.live = self.live.saturating_sub(1);
        self.permitted = self.permitted.saturating_sub(permitted);
    }

    /// More than this cannot be saved up: what is due to the requests under way, and what
    /// the last ones paid in, so that chance does not empty it.
    fn most(&self) -> i64 {
        let share = i64::from(self.policy.millionths);
        let due = i64::from(self.live).saturating_mul(share);
        let least = retries(self.policy.min_retry_concurrency);
        due.max(least).saturating_add(share * MEMORY)
    }

    fn learn(&mut self, permitted: u32, made: u32) {
        let used = retries(made.min(permitted)).checked_div(i64::from(permitted));
        let Some(used) = used else { return };
        // Away from zero, or the rate would stop short of 0 and of the whole.
        let difference = used - self.use_rate;
        let step = (difference.abs() + MEMORY - 1) / MEMORY;
        self.use_rate += step * difference.signum();
    }

    /// Halves what the debt is above `minRetryConcurrency`, for each half-life that is over.
    /// A smaller debt is not forgiven: it is what a few requests a minute run up.
    fn forgive(&mut self, now_ms: u64) {
        let passed = now_ms.checked_sub(self.forgiven_ms);
        let half_lives = passed.map_or(0, |passed| passed / HALF_LIFE_MS);
        // A clock that steps back forgives nothing, and begins again.
        self.forgiven_ms = match passed {
            Some(_) => self.forgiven_ms + half_lives * HALF_LIFE_MS,
            None => now_ms,
        };
        let floor = -retries(self.policy.min_retry_concurrency);
        let debt = floor.saturating_sub(self.balance);
        if debt > 0 {
            let left = debt >> half_lives.min(62);
            self.balance = floor.saturating_sub(left);
        }
    }

    /// Requests that had fewer retries than they would have had, so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Requests under way.
    pub fn live(&self) -> u32 {
        self.live
    }
}

fn retries(count: u32) -> i64 {
    i64::from(count).saturating_mul(WHOLE)
}
