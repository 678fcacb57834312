//! When to fetch.

use super::record::Progress;

/// How long keys count as fresh when the issuer does not say: Istio's setting.
const FRESH_MS: u64 = 5 * 60 * 1_000;

/// Least and longest time that an issuer can ask for by `max-age`: not so short
/// that it is flooded, not so long that a withdrawn key stays for hours.
const FRESH_RANGE_MS: [u64; 2] = [60 * 1_000, 60 * 60 * 1_000];

/// First pause after a failed attempt, and the longest.
const BACK_OFF_MS: [u64; 2] = [1_000, 60_000];

/// The longest while there are no keys: until there are, every token is refused.
const BACK_OFF_WITHOUT_KEYS_MS: u64 = 5_000;

/// Least time between two attempts that unknown key ids lead to, per source and
/// proxy: what a client can cause by making up key ids. Attempts that are made in any case
/// do not count: keys may change right after one.
pub(super) const UNKNOWN_KEY_PAUSE_MS: u64 = 10_000;

/// By how much the clocks of two VMs may differ in what they have just read. A
/// time further ahead than this was set before the clock stepped back.
pub(super) const CLOCK_SLACK_MS: u64 = 5_000;

/// Numbers that spread the attempts of many proxies (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Jitter(pub(super) u64);

impl Jitter {
    /// A number below `bound`; 0 when it is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        mixed.checked_rem(bound).unwrap_or_default()
    }
}

/// How long to wait with the next attempt after one that brought keys: 80 to 95 %
/// of their time, so that new ones are there before it is over.
pub(super) fn refresh_ms(max_age_s: Option<u64>, jitter: &mut Jitter) -> u64 {
    let [least, longest] = FRESH_RANGE_MS;
    let fresh = max_age_s.map_or(FRESH_MS, |age| {
        age.saturating_mul(1_000).clamp(least, longest)
    });
    fresh / 100 * 80 + jitter.below(fresh / 100 * 15 + 1)
}

/// How long to wait after so many failed attempts: 1 s, doubling to a minute, or to 5 s
/// while there are no keys; the latter half of it is left to chance.
pub(super) fn back_off_ms(failures: u64, has_keys: bool, jitter: &mut Jitter) -> u64 {
    let [first, longest] = BACK_OFF_MS;
    let longest = if has_keys {
        longest
    } else {
        BACK_OFF_WITHOUT_KEYS_MS
    };
    let doubled = (1..failures.min(16)).fold(first, |pause, _| pause * 2);
    let pause = doubled.min(longest);
    pause / 2 + jitter.below(pause / 2 + 1)
}

impl Progress {
    /// An attempt has ended. The pause after one that an unknown key led to is counted
    /// from here, too: if the issuer is slower than the pause is long, who waits must not
    /// cause the next one when it is over.
    pub(super) fn end(&mut self, now_ms: u64, is_extra: bool) {
        self.ended_at_ms = now_ms;
        if is_extra {
            self.unknown_key_at_ms = now_ms;
        }
    }

    /// Whether an attempt is under way, or whoever began it may be dead.
    /// `lease_ms` is the longest that a lease can be.
    pub(super) fn is_under_way(&self, now_ms: u64, lease_ms: u64) -> bool {
        let left = self.lease_until_ms.saturating_sub(now_ms);
        // A lease longer than any is one that the clock went back on.
        left > 0 && left <= lease_ms.saturating_add(CLOCK_SLACK_MS)
    }

    /// Whether it is time for an attempt.
    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        now_ms >= self.next_at_ms || is_of_the_future(self.ended_at_ms, now_ms)
    }

    /// Whether an unknown key id may lead to an attempt.
    pub(super) fn permits_unknown_key(&self, now_ms: u64) -> bool {
        now_ms >= self.unknown_key_at_ms.saturating_add(UNKNOWN_KEY_PAUSE_MS)
            || is_of_the_future(self.unknown_key_at_ms, now_ms)
    }
}

/// Whether the clock has stepped back since: what was planned from then on would be held
/// up for as long as the step.
fn is_of_the_future(time_ms: u64, now_ms: u64) -> bool {
    time_ms > now_ms.saturating_add(CLOCK_SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Least and greatest of many draws.
    fn spread(mut draw: impl FnMut(&mut Jitter) -> u64) -> [u64; 2] {
        let mut jitter = Jitter(7);
        let draws: Vec<u64> = (0..2_000).map(|_| draw(&mut jitter)).collect();
        [
            draws.iter().copied().min().unwrap(),
            draws.iter().copied().max().unwrap(),
        ]
    }

    fn assert_fills(found: [u64; 2], [least, greatest]: [u64; 2]) {
        let slack = (greatest - least) / 50;
        assert!(found[0] >= least && found[0] <= least + slack, "{found:?}");
        assert!(
            found[1] <= greatest && found[1] >= greatest - slack,
            "{found:?}"
        );
    }

    #[test]
    fn keys_are_fetched_again_before_their_time_is_over() {
        let refresh = |max_age| spread(|jitter| refresh_ms(max_age, jitter));
        assert_fills(refresh(None), [240_000, 285_000]);
        assert_fills(refresh(Some(600)), [480_000, 570_000]);
        assert_fills(refresh(Some(0)), [48_000, 57_000]);
        assert_fills(refresh(Some(u64::MAX)), [2_880_000, 3_420_000]);
    }

    #[test]
    fn failures_back_off_to_a_minute() {
        let pause = |failures| spread(|jitter| back_off_ms(failures, true, jitter));
        assert_fills(pause(1), [500, 1_000]);
        assert_fills(pause(2), [1_000, 2_000]);
        assert_fills(pause(6), [16_000, 32_000]);
        for failures in [7, 8, 100, u64::MAX] {
            assert_fills(pause(failures), [30_000, 60_000]);
        }
        let without_keys = |failures| spread(|jitter| back_off_ms(failures, false, jitter));
        assert_fills(without_keys(2), [1_000, 2_000]);
        for failures in [4, 7, u64::MAX] {
            assert_fills(without_keys(failures), [2_500, 5_000]);
        }
    }

    #[test]
    fn a_lease_lasts_its_time() {
        let progress = Progress {
            lease_until_ms: 10_000,
            ..Progress::default()
        };
        assert!(progress.is_under_way(4_000, 6_000));
        assert!(progress.is_under_way(9_999, 6_000));
        assert!(!progress.is_under_way(10_000, 6_000));
        assert!(!Progress::default().is_under_way(0, 6_000));
    }

    #[test]
    fn a_clock_that_steps_back_holds_nothing_up() {
        let progress = Progress {
            lease_until_ms: 1_006_000,
            ended_at_ms: 1_000_000,
            next_at_ms: 1_240_000,
            unknown_key_at_ms: 1_000_000,
            ..Progress::default()
        };
        assert!(progress.is_under_way(1_000_000 - CLOCK_SLACK_MS, 6_000));
        assert!(!progress.is_under_way(999_999 - CLOCK_SLACK_MS, 6_000));
        assert!(!progress.is_due(1_000_000 - CLOCK_SLACK_MS));
        assert!(progress.is_due(999_999 - CLOCK_SLACK_MS));
        assert!(!progress.permits_unknown_key(1_009_999));
        assert!(progress.permits_unknown_key(1_010_000));
        assert!(progress.permits_unknown_key(999_999 - CLOCK_SLACK_MS));
    }
}
