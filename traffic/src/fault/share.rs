//! The share of requests of the last minute that met a fault.

use crate::config::MILLION;

/// Seconds that are looked back on.
const SECONDS: usize = 60;

/// Counts of requests, second by second.
#[derive(Debug, Clone)]
pub struct Share {
    seconds: [Count; SECONDS],
    at: usize,
    total: Count,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    requests: u64,
    affected: u64,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            seconds: [Count::default(); SECONDS],
            at: 0,
            total: Count::default(),
        }
    }
}

impl Share {
    /// A second is over.
    pub fn tick(&mut self) {
        self.at = (self.at + 1) % SECONDS;
        if let Some(oldest) = self.seconds.get_mut(self.at) {
            let Count { requests, affected } = std::mem::take(oldest);
            self.total.requests -= requests;
            self.total.affected -= affected;
        }
    }

    /// A request has come.
    pub(super) fn count(&mut self) {
        self.total.requests += 1;
        if let Some(now) = self.seconds.get_mut(self.at) {
            now.requests += 1;
        }
    }

    /// Lets the request meet a fault, if no more than `most` of a million do then.
    pub(super) fn affect(&mut self, most: u32) -> bool {
        let is_allowed =
            (self.total.affected + 1) * u64::from(MILLION) <= self.total.requests * u64::from(most);
        if is_allowed {
            self.total.affected += 1;
            if let Some(now) = self.seconds.get_mut(self.at) {
                now.affected += 1;
            }
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Requests that wish for a fault: how many meet one.
    fn affected(share: &mut Share, requests: usize, most: u32) -> usize {
        let wishes = 0..requests;
        wishes
            .filter(|_| {
                share.count();
                share.affect(most)
            })
            .count()
    }

    #[test]
    fn no_more_than_the_ceiling_are_affected() {
        for (most, expected) in [
            (0, 0),
            (1, 0),
            (100_000, 100),
            (333_333, 333),
            (1_000_000, 1_000),
        ] {
            assert_eq!(affected(&mut Share::default(), 1_000, most), expected);
        }
        // Not even the first one.
        assert_eq!(affected(&mut Share::default(), 9, 100_000), 0);
    }

    #[test]
    fn what_is_older_than_a_minute_counts_no_more() {
        let mut share = Share::default();
        (0..1_000).for_each(|_| share.count());
        (0..59).for_each(|_| share.tick());
        assert!(share.affect(1_000));
        assert!(!share.affect(1_000));
        share.tick();
        // The thousand are gone, and the one that was affected is not.
        assert_eq!(affected(&mut share, 100, 10_000), 0);
        (0..59).for_each(|_| share.tick());
        // Now that one is, and the hundred are not: 2 % of two hundred.
        assert_eq!(affected(&mut share, 100, 20_000), 4);
    }
}
