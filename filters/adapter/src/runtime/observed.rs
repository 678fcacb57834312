//! Requests whose response and end a filter wants to hear of.

use super::{MOST_PENDING, Runtime, back_to, edit_response};
use crate::abi::{HeaderMap, Host, Level};
use crate::filter::HttpFilter;
use crate::pairs;

/// A request whose end is of interest.
pub(super) struct Observed<W> {
    pub(super) root: u32,
    pub(super) state: W,
}

impl<F: HttpFilter> Runtime<F> {
    /// Remembers a request until its end. Of too many, the end of the oldest counts as
    /// missed.
    pub(super) fn observe(&mut self, host: Host<'_>, stream: u32, root: u32, state: F::Waiting) {
        self.observed.insert(stream, Observed { root, state });
        if self.observed.len() > MOST_PENDING
            && let Some(oldest) = self.observed.first()
            && let Some(oldest) = self.observed.remove(oldest)
        {
            if !self.is_crowded {
                self.is_crowded = true;
                host.log(
                    Level::Warn,
                    "too many requests under way: what becomes of the oldest is not seen, and its response goes out as it is",
                );
            }
            // Else what is asked of the host would be of the request that has just come.
            back_to(host, root);
            self.end(host, oldest);
            back_to(host, stream);
        }
    }

    /// A request that is observed was gone when a tick looked for it.
    pub(super) fn end_missed(&mut self, host: Host<'_>, gone: Vec<Observed<F::Waiting>>) {
        for observed in gone {
            self.end(host, observed);
        }
    }

    /// Tells the filter that a request is over.
    pub(super) fn end(&mut self, host: Host<'_>, observed: Observed<F::Waiting>) {
        let Observed { root, state } = observed;
        if let Some(filter) = self.filter(root) {
            filter.on_done(host, state);
        }
    }

    /// A stream is over.
    pub(crate) fn on_log(&mut self, host: Host<'_>, stream: u32) {
        if let Some(observed) = self.observed.remove(stream) {
            let root = observed.root;
            self.end(host, observed);
            self.settle(host, root, stream);
        }
    }

    pub(super) fn on_observed_response(&mut self, host: Host<'_>, stream: u32) {
        let Some(Observed { root, state }) = self.observed.get_mut(stream) else {
            return;
        };
        let mut slots = self.filters.iter_mut();
        let Some(slot) = slots.find(|slot| slot.root == *root) else {
            return;
        };
        let lines = if F::READS_RESPONSE_HEADERS {
            let pairs = host.header_pairs(HeaderMap::Response);
            pairs.map_or(None, pairs::decode).unwrap_or_default()
        } else {
            Vec::new()
        };
        let edits = slot.filter.on_response(host, &lines, state);
        edit_response(host, &edits);
        let root = *root;
        self.settle(host, root, stream);
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
