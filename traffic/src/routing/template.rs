//! Values of headers, filled in for a request.

use sluice_policy::{Attribute, AttributeSet, Fact, Request};

use super::ip_text;
use crate::config::{Part, ValueTemplate};
use crate::route_table::{attribute_of, header};

/// What Envoy writes for what is not there.
const NOTHING: &[u8] = b"-";

/// The value for a request.
pub(super) fn fill(template: &ValueTemplate, request: &Request<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    for part in &template.parts {
        match part {
            Part::Text(text) => value.extend_from_slice(text.as_bytes()),
            Part::RequestHeader(name) => {
                let line = header(request, name).and_then(|mut lines| lines.next());
                value.extend_from_slice(line.unwrap_or(NOTHING));
            }
            part => value.extend(address(part, request)),
        }
    }
    value
}

fn address(part: &Part, request: &Request<'_>) -> Vec<u8> {
    let connection = &request.connection;
    let fact = match part {
        Part::RemoteAddress | Part::RemoteIp => connection.remote_address,
        _ => connection.destination_address,
    };
    let Fact::Present(address) = fact else {
        return NOTHING.to_vec();
    };
    let text = match part {
        Part::RemoteAddress | Part::LocalAddress => ip_text::with_port(address),
        Part::LocalPort => u64::from(address.port()).to_string(),
        _ => ip_text::of(address.ip()),
    };
    text.into_bytes()
}

/// What filling it in looks at.
pub(super) fn demand(template: &ValueTemplate, demand: &mut AttributeSet) {
    for part in &template.parts {
        match part {
            Part::Text(_) => {}
            Part::RequestHeader(name) => demand.insert(attribute_of(name)),
            Part::RemoteAddress | Part::RemoteIp => demand.insert(Attribute::SourceAddress),
            _ => demand.insert(Attribute::DestinationAddress),
        }
    }
}
