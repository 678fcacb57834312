//! Finding the format.

use crate::capture::*;

#[test]
fn inputs_in_no_format_say_so() {
    let cases: &[(&[u8], Code)] = &[
        (b"", Code::EmptyInput),
        (b" \n", Code::EmptyInput),
        (b"\x1f\x8b\x08", Code::CompressedInput),
        (b"\xff\xfe{\0", Code::NotUtf8),
        (b"time,method\n", Code::UnknownFormat),
        (b"[{\"a\":1}]", Code::UnknownFormat),
        (b"{\"a\":1}", Code::UnknownFormat),
        (b"\0asm\x01\0\0\0", Code::UnknownFormat),
        (b"{\"recording\":\"sluice/v1\"}", Code::UnsupportedFormat),
        (
            b"{\"log\":\"[2026]\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n",
            Code::UnsupportedFormat,
        ),
        (
            b"{\"log\":{\"entries\":[]},\"http_buffered_trace\":{}}",
            Code::AmbiguousFormat,
        ),
    ];
    for (bytes, code) in cases {
        let fault = refused(bytes);
        assert_eq!(
            fault.code,
            *code,
            "{}: {fault}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_stream_of_unknown_length_can_be_ambiguous() {
    // A lone message, or one of ten bytes after its length and another to come.
    let bytes = b"\x0a\x0a\x0a\x00\x0a\x00\x0a\x00\x0a\x00\x0a\x08";
    let fault = detect(&bytes[..], &options())
        .map(|(format, _)| format)
        .unwrap_err();
    assert_eq!(fault.code, Code::AmbiguousFormat);
    let sized = ImportOptions {
        input_bytes: Some(12),
        ..options()
    };
    assert_eq!(
        detect(&bytes[..], &sized).map(|(format, _)| format),
        Ok(Format::TapProtobuf)
    );
}

#[test]
fn format_names_are_stable() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.as_str()), Some(format));
    }
    assert_eq!(Format::from_name("tap"), None);
}
