//! The messages of `envoy.service.auth.v3.Authorization/Check`, as far as they
//! are used. Field numbers are those of Envoy's data-plane API.
//!
//! A part of an answer that is absent reads like an empty one, and a part that
//! comes twice is merged, as everywhere in Protocol Buffers.

use sluice_policy::protobuf::{Value, read};

/// Name of the gRPC service.
pub(super) const SERVICE: &str = "envoy.service.auth.v3.Authorization";
/// Name of its only method.
pub(super) const METHOD: &str = "Check";

/// `envoy.service.auth.v3.CheckResponse`.
#[derive(Debug, Default)]
pub(super) struct CheckResponse {
    /// A gRPC status code: the request may pass if it is 0, which is also what an
    /// absent status means to Envoy.
    pub(super) status: i32,
    /// What to tell the client of a refused request.
    pub(super) denied: Denied,
    /// What to change in an allowed request.
    pub(super) allowed: Allowed,
}

/// `DeniedHttpResponse`.
#[derive(Debug, Default)]
pub(super) struct Denied {
    /// HTTP status; 0 if absent.
    pub(super) status: i32,
    /// Headers of the reply.
    pub(super) headers: Vec<HeaderValueOption>,
    /// Body of the reply.
    pub(super) body: Vec<u8>,
}

/// `OkHttpResponse`.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    /// Headers of the request.
    pub(super) headers: Vec<HeaderValueOption>,
    /// Headers to take from the request.
    pub(super) headers_to_remove: Vec<Vec<u8>>,
    /// Headers of the response to the client.
    pub(super) response_headers_to_add: Vec<HeaderValueOption>,
    /// Query parameters to set.
    pub(super) query_parameters_to_set: Vec<QueryParameter>,
    /// Query parameters to take away.
    pub(super) query_parameters_to_remove: Vec<Vec<u8>>,
}

/// `envoy.config.core.v3.QueryParameter`.
#[derive(Debug, Default)]
pub(super) struct QueryParameter {
    /// Name.
    pub(super) key: Vec<u8>,
    /// Value.
    pub(super) value: Vec<u8>,
}

/// `envoy.config.core.v3.HeaderValueOption` with the `HeaderValue` in it.
/// Bytes, as a provider may send any.
#[derive(Debug, Default)]
pub(super) struct HeaderValueOption {
    /// Name.
    pub(super) key: Vec<u8>,
    /// Value.
    pub(super) value: Vec<u8>,
    /// Value that need not be UTF-8; counts if `value` is empty.
    pub(super) raw_value: Vec<u8>,
    /// Deprecated form of `append_action`, still the one that ext_authz obeys.
    pub(super) append: Option<bool>,
    /// How to combine with what is there.
    pub(super) append_action: i32,
}

impl CheckResponse {
    /// Reads an answer; `None` if it is no such message.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut response = Self::default();
        read(bytes, &mut |field, value| match field {
            1 => code(&mut response.status, value),
            2 => response.denied.merge(value),
            3 => response.allowed.merge(value),
            _ => Some(()),
        })?;
        Some(response)
    }
}

/// `google.rpc.Status` or `envoy.type.v3.HttpStatus`: the code is field 1 of both.
fn code(code: &mut i32, status: Value<'_>) -> Option<()> {
    read(status.bytes()?, &mut |field, value| {
        if field == 1 {
            *code = value.int32()?;
        }
        Some(())
    })
}

impl Denied {
    fn merge(&mut self, message: Value<'_>) -> Option<()> {
        read(message.bytes()?, &mut |field, value| {
            match field {
                1 => code(&mut self.status, value)?,
                2 => self.headers.push(HeaderValueOption::decode(value)?),
                3 => self.body = value.bytes()?.to_vec(),
                _ => {}
            }
            Some(())
        })
    }
}

impl Allowed {
    fn merge(&mut self, message: Value<'_>) -> Option<()> {
        read(message.bytes()?, &mut |field, value| {
            match field {
                2 => self.headers.push(HeaderValueOption::decode(value)?),
                5 => self.headers_to_remove.push(value.bytes()?.to_vec()),
                6 => {
                    let option = HeaderValueOption::decode(value)?;
                    self.response_headers_to_add.push(option);
                }
                7 => {
                    let parameter = QueryParameter::decode(value)?;
                    self.query_parameters_to_set.push(parameter);
                }
                8 => self
                    .query_parameters_to_remove
                    .push(value.bytes()?.to_vec()),
                _ => {}
            }
            Some(())
        })
    }
}

impl QueryParameter {
    fn decode(message: Value<'_>) -> Option<Self> {
        let mut parameter = Self::default();
        read(message.bytes()?, &mut |field, value| {
            match field {
                1 => parameter.key = value.bytes()?.to_vec(),
                2 => parameter.value = value.bytes()?.to_vec(),
                _ => {}
            }
            Some(())
        })?;
        Some(parameter)
    }
}

impl HeaderValueOption {
    fn decode(message: Value<'_>) -> Option<Self> {
        let mut option = Self::default();
        read(message.bytes()?, &mut |field, value| {
            match field {
                1 => option.merge_header(value)?,
                2 => option.append = Some(boolean(value)?),
                3 => option.append_action = value.int32()?,
                _ => {}
            }
            Some(())
        })?;
        Some(option)
    }

    /// `envoy.config.core.v3.HeaderValue`.
    fn merge_header(&mut self, message: Value<'_>) -> Option<()> {
        read(message.bytes()?, &mut |field, value| {
            match field {
                1 => self.key = value.bytes()?.to_vec(),
                2 => self.value = value.bytes()?.to_vec(),
                3 => self.raw_value = value.bytes()?.to_vec(),
                _ => {}
            }
            Some(())
        })
    }
}

/// `google.protobuf.BoolValue`.
fn boolean(message: Value<'_>) -> Option<bool> {
    let mut truth = false;
    read(message.bytes()?, &mut |field, value| {
        if field == 1 {
            truth = value.boolean()?;
        }
        Some(())
    })?;
    Some(truth)
}
