//! Where a request goes when the subset that it was to go to is ejected.

use super::{Breaker, Refusal};
use crate::hash::{GOLDEN, mix};

/// One of the destinations of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighted {
    /// Its breaker, by number.
    pub breaker: usize,
    /// Its weight in the route.
    pub weight: u32,
}

/// Where a request goes. In all of these its destination has admitted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Where it was to go.
    Given,
    /// Likewise, though its subset is ejected: without it too little of the route were
    /// left.
    Spared,
    /// To another destination of the route, by number.
    Moved(usize),
}

impl Choice {
    /// The destination, when it was to be `given`.
    pub fn destination(self, given: usize) -> usize {
        match self {
            Self::Given | Self::Spared => given,
            Self::Moved(destination) => destination,
        }
    }
}

/// Decides where a request goes that was to go to the destination `given` of a route, and
/// has it admitted there.
///
/// Subsets that are ejected are closed to a route in the order of their ejection, as long
/// as their weight and that of those before is within `maxEjectionPercent` of the whole:
/// with the default of 10, a canary of 5 can be closed, and what it is to replace never
/// can. What remains shares the requests of those that are closed by weight, so that each
/// has exactly its share of what remains. `minHealthPercent` closes nothing at all when
/// less than that would remain.
///
/// `random` may be any number, also the one by which `given` was drawn, or a client's: a
/// client that is to stay where it is stays where it has been moved, too.
///
/// # Errors
///
/// Nothing remains, or the destination has as many requests as it may have. A request is
/// not moved from a subset that is merely full: the others would have to bear what it is
/// limited to bear.
pub fn choose(
    breakers: &mut [Breaker],
    route: &[Weighted],
    given: usize,
    random: u64,
    now_ms: u64,
) -> Result<Choice, Refusal> {
    let choice = match is_ejected(breakers, route.get(given), now_ms) {
        false => Choice::Given,
        true => elsewhere(breakers, route, given, random, now_ms)?,
    };
    let to = route.get(choice.destination(given));
    let breaker = to.and_then(|to| breakers.get_mut(to.breaker));
    breaker.map_or(Ok(()), Breaker::admit)?;
    Ok(choice)
}

fn is_ejected(breakers: &mut [Breaker], of: Option<&Weighted>, now_ms: u64) -> bool {
    let breaker = of.and_then(|of| breakers.get_mut(of.breaker));
    breaker.is_some_and(|breaker| breaker.ejected_since(now_ms).is_some())
}

fn elsewhere(
    breakers: &mut [Breaker],
    route: &[Weighted],
    given: usize,
    random: u64,
    now_ms: u64,
) -> Result<Choice, Refusal> {
    let (is_closed, open) = close(breakers, route, now_ms);
    if is_closed.get(given) != Some(&true) {
        return Ok(Choice::Spared);
    }
    let min_health = route
        .get(given)
        .and_then(|given| breakers.get(given.breaker)?.outlier)
        .map_or(0, |outlier| outlier.min_health_percent);
    if is_less_than(open, min_health, total(route)) {
        return Ok(Choice::Spared);
    }
    let mut place = below(random, open).ok_or(Refusal::Ejected)?;
    for (number, (destination, is_closed)) in route.iter().zip(&is_closed).enumerate() {
        let weight = weight(destination, route);
        match place.checked_sub(weight) {
            _ if *is_closed => {}
            Some(rest) => place = rest,
            None => return Ok(Choice::Moved(number)),
        }
    }
    Err(Refusal::Ejected)
}

/// Which destinations are closed, and the weight of those that are not.
fn close(breakers: &mut [Breaker], route: &[Weighted], now_ms: u64) -> (Vec<bool>, u64) {
    let mut ejected: Vec<(u64, usize)> = Vec::new();
    for (number, destination) in route.iter().enumerate() {
        let breaker = breakers.get_mut(destination.breaker);
        let since_ms = breaker.and_then(|breaker| breaker.ejected_since(now_ms));
        if let Some(since_ms) = since_ms {
            // Few, and mostly in order: an insertion.
            let place = ejected.partition_point(|other| *other <= (since_ms, number));
            ejected.insert(place, (since_ms, number));
        }
    }
    let total = total(route);
    let mut open = total;
    let mut is_closed = vec![false; route.len()];
    for (_, number) in ejected {
        let Some(destination) = route.get(number) else {
            continue;
        };
        let weight = weight(destination, route);
        let most = breakers
            .get(destination.breaker)
            .and_then(|breaker| breaker.outlier)
            .map_or(0, |outlier| outlier.max_ejection_percent);
        let closed = total - open + weight;
        if closed * 100 <= total * u64::from(most) {
            open -= weight;
            if let Some(is_closed) = is_closed.get_mut(number) {
                *is_closed = true;
            }
        }
    }
    (is_closed, open)
}

/// Istio does not look at the weight of a destination that is alone.
fn weight(destination: &Weighted, route: &[Weighted]) -> u64 {
    match route {
        [_] => 1,
        _ => destination.weight.into(),
    }
}

fn total(route: &[Weighted]) -> u64 {
    let weights = route.iter().map(|destination| weight(destination, route));
    weights.sum()
}

fn is_less_than(part: u64, percent: u8, whole: u64) -> bool {
    part * 100 < whole * u64::from(percent)
}

/// A number below `limit`, each as likely as the others. `None` when there is none.
///
/// The number is mixed first: of those by which a request came to an ejected subset, all
/// may be near each other.
fn below(random: u64, limit: u64) -> Option<u64> {
    mix(random.wrapping_add(GOLDEN)).checked_rem(limit)
}
