//! What a bench reports: figures of ours, figures beside them, and the bar.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::machine;

/// Which side of the target is good.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The ratio must not exceed this.
    AtMost(f64),
    /// The ratio must reach this.
    AtLeast(f64),
}

/// One promise and what came of it.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What is promised, with its unit.
    pub name: String,
    /// Our figure.
    pub ours: f64,
    /// The figure it is held against.
    pub reference: f64,
    /// What `ours / reference` must be.
    pub target: Target,
}

/// How a bench was run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Of the bench.
    pub name: &'static str,
    /// Whether only to see that the bench itself runs.
    pub quick: bool,
    /// How often that was measured of which the median or the best is taken.
    pub rounds: usize,
}

impl Run {
    /// Figures of a quick run must not stand in the place of real ones.
    fn file_name(&self) -> String {
        let suffix = if self.quick { "-quick" } else { "" };
        format!("{}{suffix}.json", self.name)
    }
}

impl Bar {
    fn ratio(&self) -> f64 {
        self.ours / self.reference
    }

    fn met(&self) -> bool {
        match self.target {
            Target::AtMost(most) => self.ratio() <= most,
            Target::AtLeast(least) => self.ratio() >= least,
        }
    }

    fn to_json(&self, run: &Run, surroundings: &Value) -> Value {
        let (target, side) = match self.target {
            Target::AtMost(most) => (most, "at most"),
            Target::AtLeast(least) => (least, "at least"),
        };
        json!({
            "bar": self.name,
            "ours": self.ours,
            "reference": self.reference,
            "ratio": self.ratio(),
            "target": target,
            "side": side,
            "met": self.met(),
            "quick": run.quick,
            "rounds": run.rounds,
            "measured_on": surroundings,
        })
    }
}

/// Prints the table and writes `target/bench/NAME.json`, or `NAME-quick.json`.
///
/// A bar that was missed is a result, not a failure of the bench.
pub fn publish(run: &Run, bars: &[Bar]) -> Result<()> {
    print(bars);
    let surroundings = machine::describe();
    println!("\nmeasured on {surroundings}");
    let path = sluice_envoy::binary::target_dir()
        .join("bench")
        .join(run.file_name());
    let list: Vec<Value> = bars
        .iter()
        .map(|bar| bar.to_json(run, &surroundings))
        .collect();
    let text = serde_json::to_string_pretty(&list).context("figures become JSON")?;
    write(&path, &text).with_context(|| path.display().to_string())?;
    println!("written to {}", path.display());
    Ok(())
}

fn write(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension("json.part");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, path)
}

fn print(bars: &[Bar]) {
    println!(
        "\n{:<58} {:>12} {:>12} {:>9} {:>9}  met",
        "bar", "ours", "reference", "ratio", "target"
    );
    for bar in bars {
        let (sign, target) = match bar.target {
            Target::AtMost(most) => ("≤", most),
            Target::AtLeast(least) => ("≥", least),
        };
        let met = if bar.met() { "yes" } else { "NO" };
        println!(
            "{:<58} {:>12.1} {:>12.1} {:>9.4} {sign}{target:>8.3}  {met}",
            bar.name,
            bar.ours,
            bar.reference,
            bar.ratio()
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Bar, Run, Target};

    fn bar(ours: f64, target: Target) -> Bar {
        Bar {
            name: "x".to_owned(),
            ours,
            reference: 10.0,
            target,
        }
    }

    #[test]
    fn a_quick_run_has_a_file_of_its_own_and_says_what_it_is() {
        let run = |quick| Run {
            name: "x",
            quick,
            rounds: 7,
        };
        assert_eq!(run(false).file_name(), "x.json");
        assert_eq!(run(true).file_name(), "x-quick.json");
        let json = bar(9.0, Target::AtMost(1.0)).to_json(&run(true), &Value::Null);
        assert_eq!((&json["quick"], &json["rounds"]), (&json!(true), &json!(7)));
    }

    #[test]
    fn a_bar_is_met_on_its_good_side() {
        assert!(bar(9.0, Target::AtMost(1.0)).met());
        assert!(!bar(11.0, Target::AtMost(1.0)).met());
        assert!(bar(11.0, Target::AtLeast(1.0)).met());
        assert!(!bar(9.0, Target::AtLeast(1.0)).met());
    }

    #[test]
    fn a_figure_that_is_no_number_meets_nothing() {
        assert!(!bar(f64::NAN, Target::AtMost(1.0)).met());
        assert!(!bar(f64::NAN, Target::AtLeast(1.0)).met());
    }
}
