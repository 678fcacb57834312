//! A progress bar on a terminal, nothing elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// Progress over bytes of input; silent unless standard error is a terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// Starts at nothing of `bytes`; `None` where the length is not known.
    pub fn start(bytes: Option<u64>) -> Self {
        if !stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{bar:32} {percent:>3}% {msg} {eta}",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        match ProgressStyle::with_template(template) {
            Ok(style) => Self(bar.with_style(style)),
            Err(_) => Self(bar),
        }
    }

    /// Reports what is done: bytes of input, and exchanges.
    pub fn set(&self, bytes: u64, exchanges: u64) {
        self.0.set_position(bytes);
        if !self.0.is_hidden() {
            self.0.set_message(format!("{exchanges} exchanges"));
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
