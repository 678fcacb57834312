//! What a guard says, once for all VMs of a proxy.

use super::Subset;
use super::comparison::{Figure, Finding, Signal};
use super::config::CanaryGuard;
use super::percent::in_percent;

/// A change of what is thought of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It was found worse and gets no more traffic, or would not in a dry run.
    Drained(Finding),
    /// It has its weight back, by `restore`.
    Restored,
    /// In a dry run it was not found worse again for a whole window.
    Recovered,
}

impl Event {
    /// A line for the log.
    pub fn line(&self, config: &CanaryGuard) -> String {
        let (state, finding) = match self {
            Self::Drained(finding) if config.is_dry_run => ("would-drain", Some(finding)),
            Self::Drained(finding) => ("drained", Some(finding)),
            Self::Restored => ("restored", None),
            Self::Recovered => ("recovered", None),
        };
        let mut line = format!(
            "sluice-routing guard={}/{} subset={} state={state}",
            config.namespace, config.name, config.canary
        );
        if let Some(finding) = finding {
            line.push_str(&reason(finding, config));
        }
        line
    }
}

/// ` signal=errors canary="5.31% of 812" stable="0.1% of 15204"`.
fn reason(finding: &Finding, config: &CanaryGuard) -> String {
    let signal = match (finding.signal, config.latency) {
        (Signal::Latency, Some(latency)) => format!("p{}", in_percent(latency.quantile)),
        (Signal::Latency, None) => "latency".to_owned(),
        (Signal::Errors, _) => "errors".to_owned(),
    };
    let figure = |subset, figure: Figure| {
        let name = config.name_of(subset);
        let value = shown(finding.signal, figure.value);
        format!(" {name}=\"{value} of {}\"", figure.samples)
    };
    let canary = figure(Subset::Canary, finding.canary);
    let stable = figure(Subset::Stable, finding.stable);
    format!(" signal={signal}{canary}{stable}")
}

fn shown(signal: Signal, value: u64) -> String {
    match signal {
        Signal::Errors => {
            let millionths = u32::try_from(value).unwrap_or(u32::MAX);
            format!("{}%", in_percent(millionths))
        }
        Signal::Latency => format!("{}.{:03}ms", value / 1_000, value % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::testing::config;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn finding(signal: Signal, canary: u64, stable: u64) -> Finding {
        let figure = |value, samples| Figure { value, samples };
        Finding {
            signal,
            canary: figure(canary, 812),
            stable: figure(stable, 15_204),
        }
    }

    #[test]
    fn a_line_says_who_and_why() {
        let mut config = config();
        let begin = "sluice-routing guard=shop/orders subset=v2 state=";
        let errors = Event::Drained(finding(Signal::Errors, 53_100, 1_000));
        let line = format!("{begin}drained signal=errors v2=\"5.31% of 812\" v1=\"0.1% of 15204\"");
        assert_eq!(errors.line(&config), line);
        let latency = Event::Drained(finding(Signal::Latency, 120_050, 98_765));
        let line =
            format!("{begin}drained signal=p99 v2=\"120.050ms of 812\" v1=\"98.765ms of 15204\"");
        assert_eq!(latency.line(&config), line);
        assert_eq!(Event::Restored.line(&config), format!("{begin}restored"));
        config.is_dry_run = true;
        assert!(errors.line(&config).contains("state=would-drain"));
        assert_eq!(Event::Recovered.line(&config), format!("{begin}recovered"));
    }
}
