//! PLACEHOLDER until sluice_policy::path_normalization exists.
use clap::ValueEnum;
use std::borrow::Cow;
/// Mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PathMode {
    /// Leave paths as they are
    None,
    /// Resolve dot segments
    Base,
    /// Also merge slashes
    MergeSlashes,
    /// Also decode slashes
    DecodeAndMergeSlashes,
}
impl PathMode {
    /// Normalises.
    pub fn apply(self, path: &[u8]) -> Option<Cow<'_, [u8]>> {
        Some(Cow::Borrowed(path))
    }
}
