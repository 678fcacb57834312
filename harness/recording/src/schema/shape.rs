//! The tables of the format: which keys an object has, and what may stand at each.

use crate::section::{self, Section};
use crate::{Outcome, Paths, Source};

/// What a value may look like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    Bool,
    Status,
    Time,
    Version,
    Choice(&'static [&'static str]),
    Object(&'static [Key]),
    Body,
    Message(Section),
    Fields(Section),
    Latency,
    Names,
    FieldNames,
    Attributes,
    HeaderExpectations,
}

/// A key of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
    pub(super) is_nullable: bool,
}

pub(super) const fn required(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        is_required: true,
        is_nullable: false,
    }
}

pub(super) const fn optional(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        is_required: false,
        is_nullable: true,
    }
}

/// For serde, `null` in a list or a map is no list and no map.
pub(super) const fn defaulted(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        is_required: false,
        is_nullable: false,
    }
}

pub(super) const HEADER: &[Key] = &[
    required("recording", Shape::Version),
    required("source", Shape::Choice(&Source::NAMES)),
    optional("paths", Shape::Choice(&Paths::NAMES)),
    optional("created", Shape::Time),
    optional("creator", Shape::Text),
    optional("description", Shape::Text),
    defaulted("redacted", Shape::Names),
];

pub(super) const EXCHANGE: &[Key] = &[
    required("id", Shape::Text),
    optional("time", Shape::Time),
    defaulted("attributes", Shape::Attributes),
    required("request", Shape::Message(Section::Request)),
    optional("response", Shape::Message(Section::Response)),
    optional("expect", Shape::Object(EXPECT)),
];

pub(super) const REQUEST: &[Key] = &[
    required("headers", Shape::Fields(Section::Request)),
    optional("partial", Shape::Object(PARTIAL)),
    optional("body", Shape::Body),
    optional("trailers", Shape::Fields(Section::Trailers)),
];

pub(super) const RESPONSE: &[Key] = &[
    required("headers", Shape::Fields(Section::Response)),
    optional("partial", Shape::Object(PARTIAL)),
    optional("body", Shape::Body),
    optional("trailers", Shape::Fields(Section::Trailers)),
    optional("latency_ms", Shape::Latency),
];

pub(super) const PARTIAL: &[Key] = &[defaulted("absent", Shape::FieldNames)];

pub(super) const EXPECT: &[Key] = &[
    optional("outcome", Shape::Choice(&Outcome::NAMES)),
    optional("status", Shape::Status),
    optional("plugin", Shape::Text),
    optional("rule", Shape::Text),
    optional("details", Shape::Text),
    defaulted("request_headers", Shape::HeaderExpectations),
    defaulted("response_headers", Shape::HeaderExpectations),
];

pub(super) const BODY: &[Key] = &[
    defaulted("text", Shape::Text),
    defaulted("base64", Shape::Text),
    defaulted("truncated", Shape::Bool),
];

impl Shape {
    /// In words.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "true or false",
            Self::Latency => "a number of milliseconds",
            Self::Status => section::STATUS,
            Self::Time => "an RFC 3339 time",
            Self::Version => "a version such as \"sluice/v1\"",
            Self::Choice(_) => "one of the names that the format lists",
            Self::Object(_) | Self::Message(_) | Self::HeaderExpectations => "an object",
            Self::Body => "{\"text\": string} or {\"base64\": string}",
            Self::Fields(_) => "a list of [name, value] pairs",
            Self::Names | Self::FieldNames => "a list of strings",
            Self::Attributes => "an object of attributes",
        }
    }
}
