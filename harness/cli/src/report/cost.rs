//! What plugins cost: distributions that merge, so that any split of the work
//! over threads gives the same figures.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;
use sluice_host::Cost;

/// Three significant digits: good to a part in a thousand, 50 KB or less each.
const SIGNIFICANT_DIGITS: u8 = 3;

/// One distribution.
#[derive(Debug, Clone)]
pub struct Distribution(Option<Histogram<u64>>);

impl Default for Distribution {
    fn default() -> Self {
        // `new` fails only for digits outside 0..=5.
        Self(Histogram::new(SIGNIFICANT_DIGITS).ok())
    }
}

/// The figures that are printed of a distribution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest, to three digits.
    pub max: u64,
}

impl Distribution {
    fn record(&mut self, value: u64) {
        if let Some(histogram) = &mut self.0 {
            // A histogram that resizes itself takes every value; `saturating_record` would not let it.
            let _ = histogram.record(value);
        }
    }

    fn merge(&mut self, other: &Self) {
        if let (Some(mine), Some(theirs)) = (&mut self.0, &other.0) {
            // Both resize by themselves, so adding cannot fail.
            let _ = mine.add(theirs);
        }
    }

    /// The figures of it.
    pub fn quantiles(&self) -> Quantiles {
        self.0
            .as_ref()
            .map_or_else(Quantiles::default, |histogram| Quantiles {
                p50: histogram.value_at_quantile(0.5),
                p99: histogram.value_at_quantile(0.99),
                max: histogram.max(),
            })
    }
}

/// The cost of one plugin over all exchanges that it saw.
#[derive(Debug, Clone, Default)]
pub struct PluginCosts {
    /// Wasm instructions per exchange.
    pub fuel: Distribution,
    /// Host calls per exchange.
    pub host_calls: Distribution,
    /// Bytes copied over the guest's boundary per exchange.
    pub bytes_copied: Distribution,
}

impl PluginCosts {
    /// Adds one exchange.
    pub fn record(&mut self, cost: Cost) {
        self.fuel.record(cost.fuel);
        self.host_calls.record(cost.host_calls);
        self.bytes_copied.record(cost.bytes_copied);
    }

    fn merge(&mut self, other: &Self) {
        self.fuel.merge(&other.fuel);
        self.host_calls.merge(&other.host_calls);
        self.bytes_copied.merge(&other.bytes_copied);
    }
}

/// Costs by plugin name.
pub type Costs = BTreeMap<String, PluginCosts>;

/// Adds the costs that another worker saw.
pub fn merge(costs: &mut Costs, other: &Costs) {
    for (plugin, theirs) in other {
        costs.entry(plugin.clone()).or_default().merge(theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_costs_are_not_cut() {
        let mut costs = PluginCosts::default();
        costs.record(Cost {
            fuel: 1_000_000_000,
            ..Cost::default()
        });
        assert!(costs.fuel.quantiles().p50 >= 1_000_000_000);
    }

    #[test]
    fn a_split_gives_the_same_figures() {
        let mut whole = PluginCosts::default();
        let (mut left, mut right) = (PluginCosts::default(), PluginCosts::default());
        for fuel in 0..1000 {
            let cost = Cost {
                fuel,
                host_calls: fuel % 7,
                bytes_copied: 0,
            };
            whole.record(cost);
            if fuel % 3 == 0 {
                left.record(cost);
            } else {
                right.record(cost);
            }
        }
        left.merge(&right);
        assert_eq!(left.fuel.quantiles(), whole.fuel.quantiles());
        assert_eq!(
            left.host_calls.quantiles(),
            Quantiles {
                p50: 3,
                p99: 6,
                max: 6
            }
        );
    }
}
