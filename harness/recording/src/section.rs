//! What Envoy holds each part of a message to, beyond the form of its lines.

/// A list of header or trailer lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// A request's headers.
    Request,
    /// A response's headers.
    Response,
    /// Trailers of either.
    Trailers,
}

/// What can be wrong with the pseudo-headers of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The line with this index has a pseudo-header that belongs elsewhere, or nowhere.
    Foreign(usize),
    /// The line with this index has a pseudo-header that came before.
    Repeated(usize),
    /// There must be this one, and there is none.
    Missing(&'static str),
}

impl Section {
    /// The pseudo-headers that it may have (RFC 9113 §8.3, RFC 8441 §4; none in
    /// trailers, RFC 9113 §8.1).
    pub(crate) fn pseudo_headers(self) -> &'static [&'static str] {
        match self {
            Self::Request => &[":method", ":scheme", ":authority", ":path", ":protocol"],
            Self::Response => &[":status"],
            Self::Trailers => &[],
        }
    }

    /// The one without which Envoy has no message. `:path` is not there for CONNECT, and
    /// a request without `:authority` is logged with the 400 that it gets.
    fn required(self) -> Option<&'static str> {
        match self {
            Self::Request => Some(":method"),
            Self::Response => Some(":status"),
            Self::Trailers => None,
        }
    }

    /// Reports every fault of the pseudo-headers among `names`. A list that is not whole
    /// may lack any.
    pub(crate) fn check<'n>(
        self,
        names: impl Iterator<Item = &'n str>,
        is_whole: bool,
        mut report: impl FnMut(Fault),
    ) {
        let known = self.pseudo_headers();
        let mut seen = [false; 5];
        for (index, name) in names.enumerate().filter(|(_, name)| name.starts_with(':')) {
            let position = known.iter().position(|known| *known == name);
            match position.and_then(|position| seen.get_mut(position)) {
                None => report(Fault::Foreign(index)),
                Some(seen) if *seen => report(Fault::Repeated(index)),
                Some(seen) => *seen = true,
            }
        }
        let is_seen = |name| {
            known
                .iter()
                .zip(seen)
                .any(|(known, seen)| *known == name && seen)
        };
        if let Some(name) = self.required().filter(|name| is_whole && !is_seen(*name)) {
            report(Fault::Missing(name));
        }
    }
}

/// Whether a `:status` is one that Envoy passes on: three digits from 100. It forwards
/// 999 as it is (measured on 1.40), whatever RFC 9110 §15 says of 600 and more.
pub(crate) fn is_status(value: &[u8]) -> bool {
    matches!(value, [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'])
}

/// What [`is_status`] expects.
pub(crate) const STATUS: &str = "a status from 100 to 999";

/// Whether it is a time that can pass.
pub(crate) fn is_latency(milliseconds: f64) -> bool {
    (0.0..f64::INFINITY).contains(&milliseconds)
}
