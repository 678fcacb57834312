//! Whether a canary is worse than what it is to replace.
//!
//! A look compares the whole window. The canary is worse if
//!
//! * of both subsets there are `minSamples`,
//! * its share of errors would be greater than the stable subset's and the margin by
//!   chance as seldom as `confidence` asks for, or so would be the share of its latencies
//!   above the stable subset's quantile and the margin; see [`exceedance`],
//! * and it was so in two slots at least, so that one burst, which is no series of
//!   independent samples, decides nothing.
//!
//! There is one look a slot, whichever VM makes it, and every look asks for its part of
//! the doubt that `confidence` leaves: looking often does not make a verdict likelier
//! (Bonferroni). It is less likely than that by far: looks share most of their samples,
//! and a canary that is as good as the stable subset is a whole margin away.

use super::config::{CanaryGuard, Latency};
use super::exceedance::{self, Share};
use super::window::{Counts, Pair, SLOTS, Window};

/// All of something, in millionths.
const ALL: u64 = 1_000_000;

/// In how many slots at least the canary must have been worse.
const LEAST_SLOTS: usize = 2;

/// What a canary is worse in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It fails more requests. Figures are shares in millionths.
    Errors,
    /// It is slower. Figures are the quantile in microseconds.
    Latency,
}

/// What was measured of a subset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figure {
    /// In the unit of its signal.
    pub value: u64,
    /// From how many requests.
    pub samples: u64,
}

/// Why a canary was found worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// In what.
    pub signal: Signal,
    /// The canary's figure.
    pub canary: Figure,
    /// The stable subset's.
    pub stable: Figure,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// There are too few samples.
    TooFew,
    /// The canary is not worse, as far as one can tell.
    NotWorse,
    /// It is.
    Worse(Finding),
}

/// Looks at a window.
pub(super) fn look(config: &CanaryGuard, window: &Window) -> Look {
    let total = window.total();
    let least = u64::from(config.min_samples);
    let has_enough = |counts: &Counts| counts.requests() >= least;
    if !has_enough(&total.stable) || !has_enough(&total.canary) {
        return Look::TooFew;
    }
    let errors = config
        .errors
        .and_then(|margin| errors(config, margin, window, &total));
    let finding = errors.or_else(|| {
        let latency = config.latency?;
        latencies(config, latency, window, &total)
    });
    finding.map_or(Look::NotWorse, Look::Worse)
}

fn errors(config: &CanaryGuard, margin: u32, window: &Window, total: &Pair) -> Option<Finding> {
    // The margin counts as errors of the stable subset that came without chance.
    let allowed = |pair: &Pair| {
        let failed = pair.stable.failed();
        let more = (failed.whole * u64::from(margin)).div_ceil(ALL);
        Share {
            part: failed.whole.min(failed.part + more),
            ..failed
        }
    };
    let is_worse = |pair: &Pair| pair.canary.failed().exceeds(allowed(pair));
    if !is_lasting(window, is_worse) || !is_sure(config, total.canary.failed(), allowed(total)) {
        return None;
    }
    Some(Finding {
        signal: Signal::Errors,
        canary: error_figure(&total.canary),
        stable: error_figure(&total.stable),
    })
}

fn latencies(
    config: &CanaryGuard,
    latency: Latency,
    window: &Window,
    total: &Pair,
) -> Option<Finding> {
    let stable = total.stable.latencies.count();
    let rank = rank(stable, latency.quantile);
    let bound = total.stable.latencies.bound(rank)?;
    let limit = u64::from(bound) * (ALL + u64::from(latency.worse_by));
    let limit = limit.div_ceil(ALL);
    let expected = Share {
        part: expected_above(&total.stable, stable - rank, bound),
        whole: stable,
    };
    let is_worse = |pair: &Pair| pair.canary.slower_than(limit).exceeds(expected);
    let slower = total.canary.slower_than(limit);
    if !is_lasting(window, is_worse) || !is_sure(config, slower, expected) {
        return None;
    }
    Some(Finding {
        signal: Signal::Latency,
        canary: latency_figure(&total.canary, latency.quantile),
        stable: latency_figure(&total.stable, latency.quantile),
    })
}

/// How many of the stable subset's latencies lie above the end of its quantile's bucket.
/// Where the bucket has many that are the same, that is far fewer than the quantile
/// leaves above itself, which counts then: what is asked about is the quantile.
fn expected_above(stable: &Counts, above_quantile: u64, bound: u32) -> u64 {
    let above = stable.latencies.count_above(bound.into());
    if above * 2 >= above_quantile {
        above
    } else {
        above_quantile
    }
}

/// Whether it was so in more than one slot.
fn is_lasting(window: &Window, is_worse: impl Fn(&Pair) -> bool) -> bool {
    window.slots().filter(|pair| is_worse(pair)).count() >= LEAST_SLOTS
}

/// Whether a difference is as unlikely by chance as it has to be.
fn is_sure(config: &CanaryGuard, canary: Share, stable: Share) -> bool {
    let looks = f64::from(SLOTS * config.signals());
    exceedance::chance(canary, stable) * looks * 1e6 <= f64::from(config.doubt)
}

/// The rank of a quantile among so many: the least that has that share up to it.
fn rank(count: u64, quantile: u32) -> u64 {
    (count * u64::from(quantile)).div_ceil(ALL)
}

/// The share of requests that a subset failed.
pub(super) fn error_figure(counts: &Counts) -> Figure {
    let Share { part, whole } = counts.failed();
    Figure {
        value: (part * ALL).checked_div(whole).unwrap_or_default(),
        samples: whole,
    }
}

/// A quantile of the latencies of a subset.
pub(super) fn latency_figure(counts: &Counts, quantile: u32) -> Figure {
    let samples = counts.latencies.count();
    let value = counts.latencies.value(rank(samples, quantile));
    Figure {
        value: value.map_or(0, u64::from),
        samples,
    }
}

#[cfg(test)]
mod tests;
