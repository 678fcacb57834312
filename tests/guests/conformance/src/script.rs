//! What to do in which callback.

/// A tag for the log, and operations by callback.
#[derive(Debug, Default, Clone)]
pub(crate) struct Script {
    tag: String,
    steps: Vec<(String, Vec<String>)>,
}

impl Script {
    /// First line the tag, then `CALLBACK OPERATION ARGUMENT…`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let tag = lines.next().unwrap_or_default().to_owned();
        let steps = lines.filter_map(step).collect();
        Self { tag, steps }
    }

    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// The operations of one callback, each as its words.
    pub(crate) fn steps(&self, callback: &str) -> Vec<Vec<String>> {
        let of_callback = self.steps.iter().filter(|(name, _)| name == callback);
        of_callback.map(|(_, words)| words.clone()).collect()
    }
}

fn step(line: &str) -> Option<(String, Vec<String>)> {
    let mut words = line.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.collect()))
}
