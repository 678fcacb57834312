//! Header maps as Envoy keeps them.

use std::fmt;

/// Header lines in order, repeated names included.
///
/// Names are lower-cased on the way in. Pseudo headers stay in front. The
/// names that Envoy stores in fixed slots ([`COALESCED`]) hold one line: a
/// second value is joined to the first with a comma, as Envoy does.
///
/// All bytes lie in one buffer, so that a copy costs two allocations however
/// many lines there are.
#[derive(Clone, Default)]
pub struct Headers {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
struct Line {
    name: Span,
    value: Span,
}

#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

/// Names that Envoy keeps in fixed slots of its header maps and therefore
/// never repeats (`INLINE_REQ_HEADERS` and `INLINE_RESP_HEADERS` of
/// `envoy/http/header_map.h`, without the `x-envoy-` family).
const COALESCED: [&[u8]; 33] = [
    b":authority",
    b":method",
    b":path",
    b":protocol",
    b":scheme",
    b":status",
    b"connection",
    b"content-length",
    b"content-type",
    b"date",
    b"expect",
    b"forwarded",
    b"grpc-accept-encoding",
    b"grpc-message",
    b"grpc-status",
    b"grpc-timeout",
    b"host",
    b"keep-alive",
    b"location",
    b"method",
    b"proxy-connection",
    b"proxy-status",
    b"server",
    b"te",
    b"transfer-encoding",
    b"upgrade",
    b"user-agent",
    b"via",
    b"x-client-trace-id",
    b"x-forwarded-client-cert",
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-request-id",
];

impl Headers {
    /// No lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no lines.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        self.lines
            .iter()
            .map(|line| (self.slice(line.name), self.slice(line.value)))
    }

    /// The first value of `name` (any case).
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref();
        let line = self
            .lines
            .iter()
            .find(|line| self.slice(line.name).eq_ignore_ascii_case(name))?;
        Some(self.slice(line.value))
    }

    /// Every value of `name` (any case), in order.
    pub fn get_all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.lines
            .iter()
            .filter(move |line| self.slice(line.name).eq_ignore_ascii_case(name))
            .map(|line| self.slice(line.value))
    }

    /// Adds a line after those of the same name.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        match self.coalesced_line(name) {
            Some(index) => self.append_to(index, value),
            None => self.insert(name, value),
        }
    }

    /// Adds a line as it is, without joining it to an earlier one.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.insert(name.as_ref(), value.as_ref());
    }

    /// Replaces every line of `name` with one.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        self.remove(name);
        self.insert(name, value);
    }

    /// Removes every line of `name` and says how many there were.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) -> usize {
        let name = name.as_ref();
        let before = self.lines.len();
        let bytes = &self.bytes;
        self.lines
            .retain(|line| !at(bytes, line.name).eq_ignore_ascii_case(name));
        before - self.lines.len()
    }

    /// Forgets every line but keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }

    /// The sum of the lengths of all names and values: what Envoy calls the
    /// byte size of a map.
    pub fn byte_size(&self) -> usize {
        self.iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    /// Makes this map equal to `other`, reusing its memory.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.bytes.clone_from(&other.bytes);
        self.lines.clone_from(&other.lines);
    }

    fn coalesced_line(&self, name: &[u8]) -> Option<usize> {
        let fixed = COALESCED
            .iter()
            .any(|fixed| fixed.eq_ignore_ascii_case(name));
        if !fixed {
            return None;
        }
        self.lines
            .iter()
            .position(|line| self.slice(line.name).eq_ignore_ascii_case(name))
    }

    fn append_to(&mut self, index: usize, value: &[u8]) {
        let Some(line) = self.lines.get(index).copied() else {
            return;
        };
        let start = self.bytes.len();
        self.bytes
            .extend_from_within(line.value.start..line.value.end);
        if start < self.bytes.len() && !value.is_empty() {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(value);
        let joined = Span {
            start,
            end: self.bytes.len(),
        };
        if let Some(line) = self.lines.get_mut(index) {
            line.value = joined;
        }
    }

    fn insert(&mut self, name: &[u8], value: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        let middle = self.bytes.len();
        if let Some(copied) = self.bytes.get_mut(start..middle) {
            copied.make_ascii_lowercase();
        }
        self.bytes.extend_from_slice(value);
        let line = Line {
            name: Span { start, end: middle },
            value: Span {
                start: middle,
                end: self.bytes.len(),
            },
        };
        if name.first() == Some(&b':') {
            let front = self
                .lines
                .iter()
                .take_while(|line| self.slice(line.name).first() == Some(&b':'))
                .count();
            self.lines.insert(front, line);
        } else {
            self.lines.push(line);
        }
    }

    fn slice(&self, span: Span) -> &[u8] {
        at(&self.bytes, span)
    }
}

fn at(bytes: &[u8], span: Span) -> &[u8] {
    bytes.get(span.start..span.end).unwrap_or_default()
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(K, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut headers = Self::new();
        headers.extend(pairs);
        headers
    }
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> Extend<(K, V)> for Headers {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (name, value) in pairs {
            self.add(name, value);
        }
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readable = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        f.debug_list()
            .entries(
                self.iter()
                    .map(|(name, value)| (readable(name), readable(value))),
            )
            .finish()
    }
}
