//! One request and what becomes of it.

/// Header lines, or what is looked at of a request that went upstream.
pub type Lines = &'static [(&'static str, &'static str)];
/// As [`Lines`]; none must not be there.
pub type Traits = &'static [(&'static str, Option<&'static str>)];

/// One row of the table. `{name}` in its texts is a token of [`super::Words`].
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Unlike any other row's of the setup.
    pub name: &'static str,
    /// Rules that are in force: a name of `setups`.
    pub setup: &'static str,
    /// Method.
    pub method: &'static str,
    /// Path and query.
    pub target: &'static str,
    /// Header lines.
    pub headers: Lines,
    /// What Envoy makes of it.
    pub expected: Expected,
    /// The oldest Envoy that does.
    pub since: Option<&'static str>,
    /// What the module makes of it, where that is something else, and the words with which
    /// the documentation of the filter begins to say so.
    pub differs: Option<(&'static str, Expected)>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It arrives upstream. A trait is a header, `:path`, or, when it begins with a slash,
    /// a JSON pointer into the claims that were handed over.
    Passes(Traits),
    /// A refusal by the filter: status and body.
    Refused(u16, &'static str),
    /// A refusal of a gRPC call: `grpc-status` and `grpc-message`.
    RefusedCall(&'static str, &'static str),
    /// It fails on its way upstream.
    Fails(u16),
}

impl Row {
    /// A request that passes, unless told otherwise.
    #[must_use]
    pub const fn get(setup: &'static str, name: &'static str, target: &'static str) -> Self {
        Self {
            name,
            setup,
            method: "GET",
            target,
            headers: &[],
            expected: Expected::Passes(&[]),
            since: None,
            differs: None,
        }
    }

    /// A request for `/` whose authorization header is that.
    #[must_use]
    pub const fn bearing(setup: &'static str, name: &'static str, headers: Lines) -> Self {
        Self::get(setup, name, "/").with(headers)
    }

    /// With these header lines.
    #[must_use]
    pub const fn with(mut self, headers: Lines) -> Self {
        self.headers = headers;
        self
    }

    /// With another method.
    #[must_use]
    pub const fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// It arrives, and is like that.
    #[must_use]
    pub const fn passes(mut self, traits: Traits) -> Self {
        self.expected = Expected::Passes(traits);
        self
    }

    /// 401 with that text.
    #[must_use]
    pub const fn refused(mut self, text: &'static str) -> Self {
        self.expected = Expected::Refused(401, text);
        self
    }

    /// Something else than these two.
    #[must_use]
    pub const fn expects(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Older Envoys than that make something else of it.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// The module makes something else of it, as documented in these words.
    #[must_use]
    pub const fn but(mut self, words: &'static str, ours: Expected) -> Self {
        self.differs = Some((words, ours));
        self
    }

    /// What the module makes of it.
    #[must_use]
    pub fn ours(&self) -> Expected {
        self.differs.map_or(self.expected, |(_, ours)| ours)
    }
}
