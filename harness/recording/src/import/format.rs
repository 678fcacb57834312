//! The formats that can be imported.

use std::fmt;

use crate::{Paths, Source};

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `envoy.data.tap.v3.TraceWrapper` as JSON documents, one or many.
    TapJson,
    /// One `TraceWrapper` as protobuf: a `.pb` file of the file-per-tap sink.
    TapProtobuf,
    /// `TraceWrapper` messages, each after its length: `.pb_length_delimited`.
    TapProtobufDelimited,
    /// An HTTP archive, version 1.2.
    Har,
    /// Access-log lines that are JSON objects.
    AccessLogJson,
    /// Access-log lines by a format string.
    AccessLogText,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::TapJson,
        Self::TapProtobuf,
        Self::TapProtobufDelimited,
        Self::Har,
        Self::AccessLogJson,
        Self::AccessLogText,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TapJson => "tap-json",
            Self::TapProtobuf => "tap-pb",
            Self::TapProtobufDelimited => "tap-pb-delimited",
            Self::Har => "har",
            Self::AccessLogJson => "access-log-json",
            Self::AccessLogText => "access-log-text",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// What a person calls it.
    pub(crate) fn in_words(self) -> &'static str {
        match self.source() {
            Source::EnvoyTap => "an Envoy tap",
            Source::Har => "an HTTP archive",
            Source::AccessLog => "an access log",
            Source::Manual => "a file of another tool",
        }
    }

    /// What the recording's header calls it.
    pub fn source(self) -> Source {
        match self {
            Self::TapJson | Self::TapProtobuf | Self::TapProtobufDelimited => Source::EnvoyTap,
            Self::Har => Source::Har,
            Self::AccessLogJson | Self::AccessLogText => Source::AccessLog,
        }
    }

    /// An archive has what the client sent; Envoy's tap filter and log see the path
    /// after the connection manager's normalisation.
    pub fn paths(self) -> Paths {
        match self.source() {
            Source::Har | Source::Manual => Paths::Raw,
            Source::EnvoyTap | Source::AccessLog => Paths::Normalized,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
