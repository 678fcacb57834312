//! Reads the property `metadata`: a serialised `envoy.config.core.v3.Metadata`. A Wasm
//! filter cannot write there, so claims that our own one found come by another property
//! and take the place of those that Envoy's found.
//!
//! Reading single keys would lose their types: `true`, `1` and `"\u{1}"` all
//! arrive as bytes then, and a claim must only match when it is a string. The
//! whole message keeps them, and costs one host call however many claims count.

use serde_json::{Map, Number, Value};
use sluice_policy::json;
use sluice_policy::protobuf::read as read_fields;
use sluice_policy::{Diagnostics, Fact};

use crate::abi::{Host, HostError, HostResult};

/// Envoy's name for the claims of a request's token.
const CLAIMS: &str = "envoy.filters.http.jwt_authn";
/// Where `jwt.wasm` leaves the same, as JSON.
pub(crate) const HANDED_OVER: &str = "sluice.jwt";

/// Deeper values are refused. Far more than a token has, and far less than the stack.
const MAX_DEPTH: usize = 64;

/// Metadata by filter namespace, with the claims that `jwt.wasm` found, if it found any.
pub(crate) fn read(host: Host<'_>) -> Fact<Map<String, Value>> {
    let parts = ["metadata", HANDED_OVER].map(|path| host.property(path));
    if matches!(parts, [Err(HostError::NotFound), Err(HostError::NotFound)]) {
        return Fact::Absent;
    }
    merge(parts).map_or(Fact::Unavailable, Fact::Present)
}

fn merge([native, claims]: [HostResult<&[u8]>; 2]) -> Option<Map<String, Value>> {
    let mut all = decode(there(native)?)?;
    let claims = there(claims)?;
    if !claims.is_empty() {
        let mut findings = Diagnostics::new();
        let claims = json::parse(claims, &mut findings)?;
        all.insert(CLAIMS.to_owned(), claims);
        if !findings.is_empty() {
            return None;
        }
    }
    Some(all)
}

/// What is there: nothing, if the host knows none; `None` if it cannot say.
fn there(part: HostResult<&[u8]>) -> Option<&[u8]> {
    match part {
        Ok(bytes) => Some(bytes),
        Err(HostError::NotFound) => Some(&[]),
        Err(HostError::Failed(_)) => None,
    }
}

/// Metadata by filter namespace; `None` when the bytes are no such message.
///
/// Field 2, `typed_filter_metadata`, is passed over: policies cannot name it.
pub(crate) fn decode(bytes: &[u8]) -> Option<Map<String, Value>> {
    entries(bytes, MAX_DEPTH, object)
}

/// Reads the value of an entry, of which some levels may follow.
type ReadValue = fn(&[u8], usize) -> Option<Value>;

/// Field 1 of `Metadata` and of `google.protobuf.Struct`: a map.
fn entries(bytes: &[u8], depth: usize, read_value: ReadValue) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    read_fields(bytes, &mut |field, value| {
        if field == 1 {
            let (name, value) = entry(value.bytes()?, depth, read_value)?;
            map.insert(name, value);
        }
        Some(())
    })?;
    Some(map)
}

fn entry(bytes: &[u8], depth: usize, read_value: ReadValue) -> Option<(String, Value)> {
    let mut name = String::new();
    let mut content: &[u8] = &[];
    read_fields(bytes, &mut |field, value| {
        match field {
            1 => value.text()?.clone_into(&mut name),
            2 => content = value.bytes()?,
            _ => {}
        }
        Some(())
    })?;
    Some((name, read_value(content, depth.checked_sub(1)?)?))
}

fn object(bytes: &[u8], depth: usize) -> Option<Value> {
    entries(bytes, depth, any).map(Value::Object)
}

/// `google.protobuf.Value`; one without a kind is null.
fn any(bytes: &[u8], depth: usize) -> Option<Value> {
    let mut found = Value::Null;
    read_fields(bytes, &mut |field, value| {
        found = match field {
            1 => value.int32().map(|_| Value::Null)?,
            2 => Number::from_f64(value.double()?).map_or(Value::Null, Value::Number),
            3 => Value::String(value.text()?.to_owned()),
            4 => Value::Bool(value.boolean()?),
            5 => object(value.bytes()?, depth)?,
            6 => list(value.bytes()?, depth)?,
            _ => return Some(()),
        };
        Some(())
    })?;
    Some(found)
}

/// `google.protobuf.ListValue`.
fn list(bytes: &[u8], depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let mut items = Vec::new();
    read_fields(bytes, &mut |field, value| {
        if field == 1 {
            items.push(any(value.bytes()?, depth)?);
        }
        Some(())
    })?;
    Some(Value::Array(items))
}

#[cfg(test)]
mod tests {
    use super::{decode, read};
    use crate::abi::Host;
    use crate::scripted_host::{INTERNAL_FAILURE, script};
    use serde_json::{Value, json};
    use sluice_policy::Fact;

    /// `Metadata` with one namespace, written by hand after the wire format:
    /// `filter_metadata { key: "n" value { fields { key: "k" value { V } } } }`.
    fn metadata(value: &[u8]) -> Vec<u8> {
        metadata_of(b"n", value)
    }

    fn metadata_of(name: &[u8], value: &[u8]) -> Vec<u8> {
        let nest =
            |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let field = [nest(0x0a, b"k"), nest(0x12, value)].concat();
        let entry = [nest(0x0a, name), nest(0x12, &nest(0x0a, &field))].concat();
        nest(0x0a, &entry)
    }

    #[test]
    fn a_string_and_a_boolean_keep_their_types() {
        let text = decode(&metadata(&[0x1a, 1, b'x'])).unwrap();
        assert_eq!(text["n"], json!({"k": "x"}));
        let boolean = decode(&metadata(&[0x20, 1])).unwrap();
        assert_eq!(boolean["n"], json!({"k": true}));
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let decoded = |value: &[u8]| decode(&metadata(value)).unwrap()["n"]["k"].clone();
        assert_eq!(decoded(&[]), json!(null));
        assert_eq!(decoded(&[0x08, 0]), json!(null));
        assert_eq!(decoded(b"\x11\0\0\0\0\0\0\xf8\x3f"), json!(1.5));
        assert_eq!(decoded(&[0x2a, 0]), json!({}));
        assert_eq!(
            decoded(b"\x32\x0a\x0a\x03\x1a\x01x\x0a\x03\x1a\x01y"),
            json!(["x", "y"])
        );
        assert_eq!(decode(&metadata(&[0x1a, 1, 0xff])), None);
    }

    #[test]
    fn depth_is_bounded() {
        // A list in a list has two more bytes on each level.
        let nested = |levels: usize| {
            (0..levels).fold(Vec::new(), |inner: Vec<u8>, _| {
                let size = u8::try_from(inner.len()).unwrap();
                let item = [&[0x0a, size], inner.as_slice()].concat();
                [&[0x32, size + 2], item.as_slice()].concat()
            })
        };
        assert!(decode(&metadata(&nested(20))).is_some());
        let mut deep = Vec::new();
        for _ in 0..200 {
            deep = wrap(0x32, &wrap(0x0a, &deep));
        }
        let field = [wrap(0x0a, b"k"), wrap(0x12, &deep)].concat();
        let entry = [wrap(0x0a, b"n"), wrap(0x12, &wrap(0x0a, &field))].concat();
        assert_eq!(decode(&wrap(0x0a, &entry)), None);
    }

    /// A field with a size of two bytes.
    fn wrap(tag: u8, bytes: &[u8]) -> Vec<u8> {
        let low = u8::try_from(bytes.len() & 0x7f).unwrap() | 0x80;
        let high = u8::try_from(bytes.len() >> 7).unwrap();
        [&[tag, low, high], bytes].concat()
    }

    #[test]
    fn no_bytes_are_no_metadata_and_rubbish_is_unknown() {
        assert_eq!(decode(&[]).unwrap().len(), 0);
        assert_eq!(decode(&[0x0a, 0xff]), None);
    }

    /// What is read where Envoy has `native` metadata and `jwt.wasm` left `claims`.
    fn read_both(native: Result<&[u8], u32>, claims: Option<Result<&[u8], u32>>) -> Fact<Value> {
        script(|host| {
            let mut answer = |key: &str, answer: Result<&[u8], u32>| {
                let answer = answer.map(<[u8]>::to_vec);
                host.answers.insert(format!("property:{key}"), answer);
            };
            answer("metadata", native);
            if let Some(claims) = claims {
                answer("sluice.jwt", claims);
            }
        });
        let mut found = Fact::Absent;
        Host::enter(|host| found = read(host).map(Value::Object));
        found
    }

    #[test]
    fn claims_that_were_handed_over_win_over_those_of_envoys_filter() {
        let claims = json!({"payload": {"iss": "i", "admin": true}});
        let text = claims.to_string();
        let ours = json!({"envoy.filters.http.jwt_authn": claims});
        let read_with = |native: &[u8]| read_both(Ok(native), Some(Ok(text.as_bytes())));
        assert_eq!(read_with(b""), Fact::Present(ours.clone()));
        let value = [0x20, 1];
        let native = [
            metadata(&value),
            metadata_of(b"envoy.filters.http.jwt_authn", &value),
        ]
        .concat();
        let mut both = ours;
        both["n"] = json!({"k": true});
        assert_eq!(read_with(&native), Fact::Present(both));
    }

    #[test]
    fn without_claims_handed_over_those_of_envoys_filter_count() {
        let native = json!({"n": {"k": true}});
        let read = read_both(Ok(&metadata(&[0x20, 1])), None);
        assert_eq!(read, Fact::Present(native));
        assert_eq!(read_both(Err(1), None), Fact::Absent);
        assert_eq!(read_both(Err(1), Some(Ok(b""))), Fact::Present(json!({})));
    }

    #[test]
    fn claims_that_cannot_be_read_are_unavailable_not_absent() {
        let odd: [Result<&[u8], u32>; 3] = [
            Ok(b"{\"payload\":"),
            Ok(b"{\"payload\":{\"iss\":\"a\",\"iss\":\"b\"}}"),
            Err(INTERNAL_FAILURE),
        ];
        for claims in odd {
            assert_eq!(read_both(Ok(b""), Some(claims)), Fact::Unavailable);
        }
        let good = Some(Ok(&b"{}"[..]));
        assert_eq!(read_both(Err(INTERNAL_FAILURE), good), Fact::Unavailable);
    }
}
