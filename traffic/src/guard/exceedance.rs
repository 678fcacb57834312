//! How likely a share is by chance alone: Fisher's exact test.
//!
//! Two groups are drawn from one population. Of the first, `m` with `a` that stand out,
//! of the second `n` with `b`. If the groups were alike, those that stand out would be
//! any `a + b` of the `m + n`, and `a` or more of them in the first group are as likely
//! as the tail of a hypergeometric distribution says. That holds for any number of
//! samples and any distribution of what was measured.
//!
//! Where `b` is how many of the second group lie above one of its order statistics, and
//! `a` how many of the first do, the same number is the exact test of that order
//! statistic: at least `a` of the first group lie above it if and only if at least `a`
//! of them are among the `a + b` greatest of both groups.
//!
//! Only `+ - * /` of doubles, which IEEE 754 defines to the last bit: every platform
//! comes to the same verdict.

/// So many that stand out are looked at one by one; of more, every second, fourth,
/// eighth counts. It bounds the work, and can only hide a difference.
const MOST_LOOKED_AT: u64 = 1 << 17;

/// Terms of a tail that are smaller than this share of it do not matter.
const NEGLIGIBLE: f64 = 1e-12;

/// Some of a group stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// How many stand out.
    pub(super) part: u64,
    /// Of how many.
    pub(super) whole: u64,
}

impl Share {
    /// Whether it is greater than another. Shares of nothing are not.
    pub(super) fn exceeds(self, other: Self) -> bool {
        let product = |one: u64, other: u64| u128::from(one) * u128::from(other);
        product(self.part, other.whole) > product(other.part, self.whole)
    }
}

/// How likely it is that of two groups that are alike the first has so great a share, or
/// a greater one. 1 where its share is not the greater.
pub(super) fn chance(first: Share, second: Share) -> f64 {
    let (mut first, mut second) = (first, second);
    while first.part + second.part > MOST_LOOKED_AT {
        // Each is rounded to where it makes the difference smaller.
        first = Share {
            part: first.part / 2,
            whole: first.whole.div_ceil(2),
        };
        second = Share {
            part: second.part.div_ceil(2),
            whole: second.whole / 2,
        };
    }
    if second.part > second.whole || !first.exceeds(second) {
        return 1.0;
    }
    tail(first, second).min(1.0)
}

/// The sum of the terms from `first.part` on. They decrease, as it is past the middle.
fn tail(first: Share, second: Share) -> f64 {
    let drawn = first.part + second.part;
    let mut term = probability(first, second);
    let mut sum = 0.0;
    for part in first.part..=first.whole.min(drawn) {
        sum += term;
        if term <= sum * NEGLIGIBLE {
            break;
        }
        // Of the second group, as many fewer.
        let others = drawn - part;
        let more = float(first.whole - part) * float(others);
        let fewer = float(part + 1) * float(second.whole - others + 1);
        term *= more / fewer;
    }
    sum
}

/// The probability of exactly these: C(m, a) · C(n, b) / C(m + n, a + b).
fn probability(first: Share, second: Share) -> f64 {
    let all = first.whole + second.whole;
    let (a, b) = (first.part, second.part);
    // C(a + b, a), times how likely one order of drawing them is.
    let mut orders = (0..a).map(|i| float(b + i + 1) / float(i + 1));
    let of_first = (0..a).map(|i| float(first.whole - i) / float(all - i));
    let of_second = (0..b).map(|i| float(second.whole - i) / float(all - a - i));
    let mut draws = of_first.chain(of_second);
    let mut product = 1.0;
    // Great and small factors take turns: neither product alone would fit.
    loop {
        let next = if product < 1.0 {
            orders.next().or_else(|| draws.next())
        } else {
            draws.next().or_else(|| orders.next())
        };
        let Some(factor) = next else { return product };
        product *= factor;
    }
}

/// Exact for all numbers of samples that there can be: below 2<sup>53</sup>.
fn float(number: u64) -> f64 {
    let half = |number: u64| u32::try_from(number).map_or(0.0, f64::from);
    half(number >> 32) * 4_294_967_296.0 + half(number & 0xffff_ffff)
}

#[cfg(test)]
mod tests;
