//! What a filter does to a message, as data: the adapter applies it.

/// A reply given in place of the upstream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
    /// Response-code details, as Envoy's access log shows them.
    pub details: Vec<u8>,
    /// Status for gRPC requests; `None` lets Envoy derive it from `status`.
    pub grpc_status: Option<u8>,
}

/// A change to the headers of a message. Names are lower-case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Replaces every line of that name by one.
    Set(Vec<u8>, Vec<u8>),
    /// Adds a line.
    Append(Vec<u8>, Vec<u8>),
    /// Removes every line of that name.
    Remove(Vec<u8>),
}
