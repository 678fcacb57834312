//! The first line of a recording.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;
use crate::object::impl_object;

impl_object!(RecordingHeader);

/// What the first line says about the lines that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct RecordingHeader {
    /// The format and its version.
    pub recording: Version,
    /// Where the exchanges come from.
    pub source: Source,
    /// What the paths went through before they were captured; missing when nobody can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Paths>,
    /// When the recording was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// What wrote it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// What it shows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Headers whose values were replaced on import, in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
}

impl RecordingHeader {
    /// The header of a recording in the newest version.
    pub fn new(source: Source) -> Self {
        Self {
            recording: Version::CURRENT,
            source,
            paths: None,
            created: None,
            creator: None,
            description: None,
            redacted: Vec::new(),
        }
    }
}

/// Where exchanges come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Envoy's tap filter, with or without access-log lines joined.
    EnvoyTap,
    /// An HTTP archive of a browser or a proxy.
    Har,
    /// Access-log lines alone.
    AccessLog,
    /// Written by hand or by another program.
    Manual,
}

impl Source {
    /// The names, in the order of the enum.
    pub const NAMES: [&'static str; 4] = ["envoy-tap", "har", "access-log", "manual"];
}

/// What the recorded `:path` values went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paths {
    /// As the client sent them: path normalisation is still to be done.
    Raw,
    /// As Envoy's HTTP connection manager left them for the filters.
    Normalized,
}

impl Paths {
    /// The names, in the order of the enum.
    pub const NAMES: [&'static str; 2] = ["raw", "normalized"];
}

/// `sluice/v<major>` or `sluice/v<major>.<minor>`.
///
/// A minor version adds fields, so an older reader would refuse them as unknown;
/// a major version changes the meaning of those that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes of meaning.
    pub major: u32,
    /// Additions.
    pub minor: u32,
}

impl Version {
    /// What this crate writes, and the newest that it reads.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };

    /// Whether this crate can read a recording of this version.
    pub fn is_readable(self) -> bool {
        self.major == Self::CURRENT.major && self <= Self::CURRENT
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            0 => write!(formatter, "sluice/v{}", self.major),
            minor => write!(formatter, "sluice/v{}.{minor}", self.major),
        }
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let number = text.strip_prefix("sluice/v").ok_or(InvalidVersion)?;
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        let parse = |digits: &str| digits.parse().map_err(|_| InvalidVersion);
        Ok(Self {
            major: parse(major)?,
            minor: parse(minor)?,
        })
    }
}

/// The text is not `sluice/v` and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidVersion;

impl fmt::Display for InvalidVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a version such as {}", Version::CURRENT)
    }
}

impl std::error::Error for InvalidVersion {}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
