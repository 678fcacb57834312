//! What holds for any exchange and any input.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::path::PathBuf;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use sluice_recording::{
    AttributeValue, Attributes, Body, Exchange, Field, Fields, Format, ImportOptions, Partial,
    Reader, Recorded, RecordingHeader, Request, Response, Source, Timestamp, Writer, import,
};

fn recorded<T: Clone + std::fmt::Debug + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Recorded<T>> {
    prop_oneof![
        known.prop_map(Recorded::Known),
        Just(Recorded::Absent),
        Just(Recorded::Unknown)
    ]
}

/// Lines that a header map can hold, after the pseudo-header that the list needs.
fn fields(
    pseudo: &'static [(&'static str, &'static str)],
) -> impl Strategy<Value = Fields<'static>> {
    let byte = any::<u8>().prop_filter("no value has it", |byte| !b"\0\r\n".contains(byte));
    let field = ("[a-z!#$%&'*+.^_`|~-][a-z0-9-]{0,8}", vec(byte, 0..12))
        .prop_map(|(name, value)| Field::from_bytes(name, value));
    vec(field, 0..6).prop_map(move |lines| {
        let pseudo = pseudo.iter().map(|(name, value)| Field::new(*name, *value));
        pseudo.chain(lines).collect()
    })
}

fn body() -> impl Strategy<Value = Body<'static>> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..20),
        "\\PC{0,20}".prop_map(String::into_bytes)
    ];
    (bytes, any::<bool>()).prop_map(|(bytes, truncated)| Body {
        bytes: bytes.into(),
        truncated,
    })
}

fn partial() -> impl Strategy<Value = Option<Partial<'static>>> {
    let absent = vec("[a-z]{1,5}".prop_map(Into::into), 0..3);
    option::of(absent.prop_map(|absent| Partial { absent }))
}

/// Bytes that are no UTF-8, since others come back as text; a map with two keys, since
/// one with the only key `base64` comes back as bytes.
fn value() -> impl Strategy<Value = AttributeValue<'static>> {
    let leaf = prop_oneof![
        Just(AttributeValue::Absent),
        any::<bool>().prop_map(AttributeValue::Bool),
        any::<i64>().prop_map(AttributeValue::Int),
        (1..=u64::MAX / 2).prop_map(|above| AttributeValue::Uint(above + u64::MAX / 2 + 1)),
        (-1e9..1e9).prop_map(AttributeValue::Double),
        "\\PC{0,10}".prop_map(|text| AttributeValue::Text(text.into())),
        Just(AttributeValue::Bytes(vec![0xff, 0])),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(AttributeValue::List),
            btree_map("[a-z]{1,3}".prop_map(Into::into), inner, 2..4).prop_map(AttributeValue::Map)
        ]
    })
}

fn named() -> impl Strategy<Value = (String, AttributeValue<'static>)> {
    let port = 1..=65_535_i64;
    prop_oneof![
        ("metadata\\.[a-z]{1,6}", value()),
        (Just("source.port".to_owned()), port.prop_map(Into::into)),
        (
            Just("destination.address".to_owned()),
            any::<std::net::SocketAddrV6>().prop_map(|address| {
                let port = address.port().max(1);
                format!("[{}]:{port}", address.ip()).into()
            })
        ),
        (
            Just("request.duration".to_owned()),
            "[0-9]{1,6}(\\.[0-9]{1,9})?s".prop_map(Into::into)
        ),
        (
            Just("connection.uri_san_peer_certificate".to_owned()),
            "\\PC{0,20}".prop_map(Into::into)
        ),
    ]
}

fn attributes() -> impl Strategy<Value = Attributes<'static>> {
    vec(named(), 0..4).prop_map(collected)
}

fn collected(pairs: Vec<(String, AttributeValue<'static>)>) -> Attributes<'static> {
    let mut attributes = Attributes::default();
    for (name, value) in pairs {
        attributes.insert(name, value);
    }
    attributes
}

fn request() -> impl Strategy<Value = Request<'static>> {
    (
        fields(&[(":method", "GET"), (":path", "/")]),
        partial(),
        recorded(body()),
        recorded(fields(&[])),
    )
        .prop_map(|(headers, partial, body, trailers)| Request {
            headers,
            partial,
            body,
            trailers,
        })
}

fn response() -> impl Strategy<Value = Response<'static>> {
    (
        fields(&[(":status", "200")]),
        request(),
        option::of(0.0..1e6),
    )
        .prop_map(|(headers, request, latency_ms)| Response {
            headers,
            partial: request.partial,
            body: request.body,
            trailers: request.trailers,
            latency_ms,
        })
}

fn exchange() -> impl Strategy<Value = Exchange<'static>> {
    (
        "\\PC{0,8}",
        option::of(any::<i64>()),
        attributes(),
        request(),
        recorded(response()),
    )
        .prop_map(|(id, nanos, attributes, request, response)| Exchange {
            id: id.into(),
            time: nanos.and_then(Timestamp::from_nanos),
            attributes,
            request,
            response,
            expect: None,
        })
}

/// Header lines as no header map has them, now and then.
fn odd_fields() -> impl Strategy<Value = Fields<'static>> {
    let name = prop_oneof!["[a-z]{1,3}", ":(method|path|status|x)", "\\PC{0,4}"];
    let field =
        (name, vec(any::<u8>(), 0..6)).prop_map(|(name, value)| Field::from_bytes(name, value));
    (fields(&[(":method", "GET")]), vec(field, 0..3))
        .prop_map(|(fields, odd)| fields.into_iter().chain(odd).collect())
}

/// Values that are not of the one form that a reader gives them.
fn odd_value() -> impl Strategy<Value = AttributeValue<'static>> {
    prop_oneof![
        value(),
        any::<u64>().prop_map(AttributeValue::Uint),
        any::<f64>().prop_map(AttributeValue::Double),
        vec(any::<u8>(), 0..4).prop_map(AttributeValue::Bytes),
        "[a-zA-Z0-9]{0,4}"
            .prop_map(|text| { AttributeValue::Map([("base64".into(), text.into())].into()) }),
    ]
}

fn odd_exchange() -> impl Strategy<Value = Exchange<'static>> {
    let name = prop_oneof![
        "metadata\\.x",
        "(source|destination)\\.(port|address)",
        "\\PC{0,8}"
    ];
    let attributes = vec((name, odd_value()), 0..3).prop_map(collected);
    let latency = option::of(any::<f64>());
    (exchange(), odd_fields(), attributes, latency).prop_map(
        |(mut exchange, headers, attributes, latency_ms)| {
            exchange.request.headers = headers;
            exchange.attributes = attributes;
            if let Recorded::Known(response) = &mut exchange.response {
                response.latency_ms = latency_ms;
            }
            exchange
        },
    )
}

proptest! {
    #[test]
    fn what_is_not_refused_by_the_writer_is_read_as_it_was(exchange in odd_exchange()) {
        let header = RecordingHeader::new(Source::Manual);
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        let is_written = writer.write(&exchange).is_ok();
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        let read = reader.read().unwrap();
        prop_assert_eq!(read, is_written.then_some(exchange));
    }

    #[test]
    fn what_is_written_is_read(exchanges in vec(exchange(), 0..4)) {
        let header = RecordingHeader::new(Source::Manual);
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        for exchange in &exchanges {
            writer.write(exchange).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        for exchange in &exchanges {
            let read = reader.read().unwrap();
            prop_assert_eq!(read.as_ref(), Some(exchange));
        }
        prop_assert!(reader.read().unwrap().is_none());
    }

    #[test]
    fn no_line_makes_the_reader_panic(line in "\\PC{0,60}", bytes in vec(any::<u8>(), 0..60)) {
        for line in [line.as_bytes(), bytes.as_slice()] {
            let text = [b"{\"recording\":\"sluice/v1\",\"source\":\"har\"}\n", line].concat();
            let mut reader = Reader::new(text.as_slice()).unwrap();
            if let Err(faults) = reader.read() {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut samples: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), std::fs::read(path).unwrap())
        })
        .collect();
    samples.sort();
    samples
}

/// Imports in every format, whether it fits or not: an error or exchanges, never a panic,
/// and every exchange can be written and read again.
fn import_as_anything(bytes: &[u8]) {
    for format in Format::ALL.into_iter().map(Some).chain([None]) {
        let options = ImportOptions {
            format,
            skip_other_lines: true,
            ..ImportOptions::default()
        };
        let mut writer = Writer::new(Vec::new(), &RecordingHeader::new(Source::Manual)).unwrap();
        let outcome = import(bytes, &options, &mut |exchange| {
            writer.write(&exchange).unwrap();
            Ok(())
        });
        let written = writer.finish().unwrap();
        let mut reader = Reader::new(written.as_slice()).unwrap();
        let mut read = 0;
        while reader.read().unwrap().is_some() {
            read += 1;
        }
        if let Ok(report) = outcome {
            assert_eq!(report.exchanges, read);
        }
    }
}

#[test]
fn damaged_captures_never_panic_and_never_write_what_cannot_be_read() {
    for (name, bytes) in samples() {
        assert!(!bytes.is_empty(), "{name}");
        let stride = bytes.len() / 25 + 1;
        for position in (0..bytes.len()).step_by(stride) {
            import_as_anything(&bytes[..position]);
            for damage in [0x00, 0x0a, b'"', b'{', 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] = damage;
                import_as_anything(&damaged);
            }
        }
    }
}
