//! Whether a canary is worse than what it is to replace.
//!
//! A look compares the slots of the window that are over: of the one that has begun
//! nobody knows how it will end. The canary is worse if
//!
//! * of both subsets there are `minSamples`,
//! * its share of errors would be greater than the stable subset's and the margin by
//!   chance as seldom as `confidence` asks for, or so would be the share of its latencies
//!   above the stable subset's quantile and the margin; see [`exceedance`],
//! * and the same is hardly chance without any two neighbouring slots, so that one burst,
//!   which is no series of independent samples, decides nothing: what is shorter than a
//!   slot is in two of them at the most.
//!
//! There is one look a slot, whichever VM makes it, and every look asks for its part of
//! the doubt that `confidence` leaves: looking often does not make a verdict likelier
//! (Bonferroni). It is less likely than that by far: looks share most of their samples,
//! and a canary that is as good as the stable subset is a whole margin away.

use super::config::{CanaryGuard, Latency};
use super::exceedance::{self, Share};
use super::window::{Counts, Pair, SLOTS};

/// All of something, in millionths.
const ALL: u64 = 1_000_000;

/// How likely what the slots without a burst show may be by chance. A canary that is
/// surely worse in a whole window nearly always is so in half of it, by this.
const DOUBT_WITHOUT_BURST: f64 = 0.01;

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

/// Looks at slots that are over.
pub(super) fn look(config: &CanaryGuard, slots: &[&Pair]) -> Look {
    let mut total = Pair::default();
    slots.iter().for_each(|pair| total.merge(pair));
    let least = u64::from(config.min_samples);
    let has_enough = |counts: &Counts| counts.requests() >= least;
    if !has_enough(&total.stable) || !has_enough(&total.canary) {
        return Look::TooFew;
    }
    let errors = config
        .errors
        .and_then(|margin| errors(config, margin, slots, &total));
    let finding = errors.or_else(|| {
        let latency = config.latency?;
        latencies(config, latency, slots, &total)
    });
    finding.map_or(Look::NotWorse, Look::Worse)
}

fn errors(config: &CanaryGuard, margin: u32, slots: &[&Pair], total: &Pair) -> Option<Finding> {
    is_worse(config, slots, total, |pair| failures(margin, pair)).then(|| Finding {
        signal: Signal::Errors,
        canary: error_figure(&total.canary),
        stable: error_figure(&total.stable),
    })
}

fn latencies(
    config: &CanaryGuard,
    latency: Latency,
    slots: &[&Pair],
    total: &Pair,
) -> Option<Finding> {
    is_worse(config, slots, total, |pair| slowness(latency, pair)).then(|| Finding {
        signal: Signal::Latency,
        canary: latency_figure(&total.canary, latency.quantile),
        stable: latency_figure(&total.stable, latency.quantile),
    })
}

/// What stands out of each subset's requests.
#[derive(Debug, Clone, Copy)]
struct Shares {
    canary: Share,
    stable: Share,
}

impl Shares {
    fn chance(self) -> f64 {
        exceedance::chance(self.canary, self.stable)
    }
}

/// The shares of errors. The margin counts as errors of the stable subset that came
/// without chance.
fn failures(margin: u32, pair: &Pair) -> Shares {
    let failed = pair.stable.failed();
    let more = (failed.whole * u64::from(margin)).div_ceil(ALL);
    Shares {
        canary: pair.canary.failed(),
        stable: Share {
            part: failed.whole.min(failed.part + more),
            ..failed
        },
    }
}

/// The shares of latencies above the stable subset's quantile, with the margin for the
/// canary.
fn slowness(latency: Latency, pair: &Pair) -> Shares {
    let whole = pair.stable.latencies.count();
    let rank = rank(whole, latency.quantile);
    let bound = pair.stable.latencies.bound(rank).unwrap_or_default();
    let limit = u64::from(bound) * (ALL + u64::from(latency.worse_by));
    Shares {
        canary: pair.canary.slower_than(limit.div_ceil(ALL)),
        stable: Share {
            part: expected_above(&pair.stable, whole - rank, bound),
            whole,
        },
    }
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

/// Whether a difference is as unlikely by chance as it has to be, and no burst made it.
fn is_worse(
    config: &CanaryGuard,
    slots: &[&Pair],
    total: &Pair,
    shares: impl Fn(&Pair) -> Shares,
) -> bool {
    is_sure(config, shares(total))
        && (0..slots.len())
            .map(|burst| without(slots, burst))
            .all(|rest| shares(&rest).chance() <= DOUBT_WITHOUT_BURST)
}

/// What is left without a slot and the one after it.
fn without(slots: &[&Pair], burst: usize) -> Pair {
    let mut rest = Pair::default();
    for (number, pair) in slots.iter().enumerate() {
        if number != burst && number != burst + 1 {
            rest.merge(pair);
        }
    }
    rest
}

fn is_sure(config: &CanaryGuard, shares: Shares) -> bool {
    let looks = f64::from(SLOTS * config.signals());
    shares.chance() * looks * 1e6 <= f64::from(config.doubt)
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
