//! Calls that plugins make to other services, and who answers them.

use crate::exchange::Message;
use std::sync::Arc;

/// An HTTP call as the guest made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// Envoy cluster.
    pub cluster: String,
    /// Headers, body (one chunk) and trailers.
    pub message: Message,
    /// Milliseconds; zero means none.
    pub timeout_ms: u32,
}

/// A gRPC call or stream as the guest opened it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcCall {
    /// Envoy cluster.
    pub cluster: String,
    /// Full service name.
    pub service: String,
    /// Method name.
    pub method: String,
    /// Initial metadata, by pairs.
    pub metadata: crate::Headers,
    /// The request of a call; empty for a stream.
    pub message: Vec<u8>,
    /// Milliseconds; `None` for a stream.
    pub timeout_ms: Option<u32>,
}

/// What an HTTP call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpAnswer {
    /// A response.
    Response(Message),
    /// No response: refused, reset or cut off. Envoy reports them all alike.
    Reset,
}

/// What a gRPC peer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrpcEvent {
    /// Initial metadata.
    InitialMetadata(crate::Headers),
    /// One message.
    Message(Vec<u8>),
    /// Trailing metadata.
    TrailingMetadata(crate::Headers),
    /// The end, with a gRPC status and its message.
    Close(u32, String),
}

/// Something that happens after a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed<T> {
    /// Nanoseconds of virtual time after the call.
    pub after_ns: u64,
    /// What happens.
    pub what: T,
}

/// The services around the proxy.
pub trait Callouts: Send {
    /// Whether Envoy knows a cluster of this name; a call to another one is
    /// refused at once.
    fn has_cluster(&self, cluster: &str) -> bool;

    /// Answers an HTTP call.
    fn http(&mut self, call: &HttpCall) -> Timed<HttpAnswer>;

    /// Answers the opening of a gRPC call or stream.
    fn grpc(&mut self, call: &GrpcCall) -> Vec<Timed<GrpcEvent>>;

    /// Answers one message sent on an open stream.
    fn grpc_message(
        &mut self,
        call: &GrpcCall,
        message: &[u8],
        end_of_stream: bool,
    ) -> Vec<Timed<GrpcEvent>> {
        let _ = (call, message, end_of_stream);
        Vec::new()
    }
}

/// A world without any cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCallouts;

impl Callouts for NoCallouts {
    fn has_cluster(&self, _cluster: &str) -> bool {
        false
    }

    fn http(&mut self, _call: &HttpCall) -> Timed<HttpAnswer> {
        Timed {
            after_ns: 0,
            what: HttpAnswer::Reset,
        }
    }

    fn grpc(&mut self, _call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        Vec::new()
    }
}

/// How a callout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalloutResult {
    /// Not answered before the stream ended.
    Pending,
    /// HTTP status, where the response had one.
    Http(Option<u16>),
    /// gRPC status.
    Grpc(u32),
    /// Reset or timed out.
    Failed,
    /// Cancelled by the guest.
    Cancelled,
}

/// One call that a plugin made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalloutRecord {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The token that the guest got.
    pub token: u32,
    /// Envoy cluster.
    pub cluster: String,
    /// `METHOD path` of an HTTP call, `service/method` of a gRPC one.
    pub target: String,
    /// Virtual time of the call.
    pub at_ns: u64,
    /// How it ended.
    pub result: CalloutResult,
    /// Virtual nanoseconds until the end.
    pub took_ns: u64,
}
