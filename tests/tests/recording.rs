//! The recording without tokens is what the recorder says it is.

use std::{collections::BTreeSet, fs::File, io::BufReader};

use sluice_envoy::binary::workspace_dir;
use sluice_recording::{
    AttributeValue, Diagnostic, Exchange, Format, ImportOptions, Redaction, import_joined,
};
use sluice_tests::{
    equality::scene,
    record::{caller::CALLERS, calls::plan, scene::Name},
};

fn recording() -> Result<Vec<Exchange<'static>>, String> {
    scene::recording(Name::PaymentService)
}

#[test]
fn it_holds_every_planned_call() {
    assert_eq!(recording().unwrap().len(), plan().len());
}

#[test]
fn it_shows_every_caller_protocol_and_kind_of_message() {
    let exchanges = recording().unwrap();
    let texts = |name: &str| -> BTreeSet<String> {
        let text = |exchange: &Exchange<'_>| {
            exchange
                .attributes
                .get(name)
                .known()?
                .as_text()
                .map(str::to_owned)
        };
        exchanges.iter().filter_map(text).collect()
    };
    let identities = texts("connection.uri_san_peer_certificate");
    let wanted = CALLERS
        .iter()
        .filter_map(|caller| caller.identity)
        .map(str::to_owned);
    assert_eq!(identities, wanted.collect());
    assert_eq!(
        texts("request.protocol"),
        ["HTTP/1.1", "HTTP/2"].map(str::to_owned).into()
    );
    let some = |what: &str, holds: fn(&Exchange<'_>) -> bool| {
        assert!(exchanges.iter().any(holds), "{what}");
    };
    some("plain text", |exchange| {
        exchange
            .attributes
            .get("connection.mtls")
            .known()
            .and_then(AttributeValue::as_bool)
            == Some(false)
    });
    some("request trailers", |exchange| {
        exchange.request.trailers.as_ref().known().is_some()
    });
    some("bytes that are not UTF-8", |exchange| {
        exchange
            .request
            .headers
            .iter()
            .any(|line| str::from_utf8(&line.value).is_err())
    });
    some("repeated lines", |exchange| {
        exchange.request.headers.all("x-role").count() == 2
    });
    some("gRPC", |exchange| {
        exchange.request.headers.first("content-type") == Some(b"application/grpc")
    });
}

#[test]
fn what_envoy_wrote_imports_to_the_same_exchanges() {
    let recorded = recording().unwrap();
    let sampled = import_sample().unwrap();
    assert!(sampled.len() > 20);
    for exchange in sampled {
        let same = recorded
            .iter()
            .find(|recorded| recorded.id == exchange.id)
            .unwrap();
        // The recorder mended bytes that a tap cannot hold.
        if same
            .request
            .headers
            .iter()
            .all(|line| str::from_utf8(&line.value).is_ok())
        {
            assert_eq!(same, &exchange);
        }
    }
}

fn import_sample() -> Result<Vec<Exchange<'static>>, Diagnostic> {
    let raw = workspace_dir().join("tests").join("recordings").join("raw");
    let open = |name: &str| {
        let file = File::open(raw.join(name)).map_err(|error| Diagnostic::io(&error, "a sample"));
        file.map(BufReader::new)
    };
    let options = |format| ImportOptions {
        format: Some(format),
        redaction: Redaction::none(),
        ..ImportOptions::default()
    };
    let mut exchanges = Vec::new();
    import_joined(
        || open("taps.json"),
        open("access.jsonl")?,
        &options(Format::TapJson),
        &options(Format::AccessLogJson),
        &mut |exchange| {
            exchanges.push(exchange);
            Ok(())
        },
    )?;
    Ok(exchanges)
}
