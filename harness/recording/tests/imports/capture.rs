//! Samples, and ways to import and look at them.

use std::path::PathBuf;

pub use sluice_recording::{
    Code, Diagnostic, Exchange, Fields, Format, ImportOptions, ImportReport, JoinReport, Recorded,
    Redaction, Response, detect, import, import_joined,
};

pub fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name);
    std::fs::read(path).unwrap()
}

pub fn options() -> ImportOptions {
    ImportOptions {
        redaction: Redaction::none(),
        ..ImportOptions::default()
    }
}

pub type Imported = (Vec<Exchange<'static>>, ImportReport);

pub fn import_with(bytes: &[u8], options: &ImportOptions) -> Result<Imported, Diagnostic> {
    let mut exchanges = Vec::new();
    let options = ImportOptions {
        input_bytes: Some(bytes.len() as u64),
        ..options.clone()
    };
    let report = import(bytes, &options, &mut |exchange| {
        exchanges.push(exchange);
        Ok(())
    })?;
    Ok((exchanges, report))
}

pub fn import_sample(name: &str) -> Imported {
    import_with(&sample(name), &options()).unwrap()
}

pub fn refused(bytes: &[u8]) -> Diagnostic {
    import_with(bytes, &options()).unwrap_err()
}

pub fn by_path<'e>(exchanges: &'e [Exchange<'static>], path: &str) -> &'e Exchange<'static> {
    let has_path =
        |exchange: &&Exchange<'_>| exchange.request.headers.first_text(":path") == Some(path);
    exchanges.iter().find(has_path).unwrap()
}

pub fn response<'e>(exchange: &'e Exchange<'static>) -> &'e Response<'static> {
    exchange.response.as_ref().known().unwrap()
}

pub fn lines(fields: &Fields<'_>) -> Vec<String> {
    let show = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    fields
        .iter()
        .map(|field| format!("{}: {}", field.name, show(&field.value)))
        .collect()
}

pub fn body_text(body: &Recorded<sluice_recording::Body<'static>>) -> Option<String> {
    let body = body.as_ref().known()?;
    Some(String::from_utf8_lossy(&body.bytes).into_owned())
}

pub fn text<'e>(exchange: &'e Exchange<'static>, name: &str) -> Option<&'e str> {
    exchange
        .attributes
        .get(name)
        .known()
        .and_then(|value| value.as_text())
}
