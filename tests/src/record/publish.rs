//! Turns what Envoy wrote into the files of the repository.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

use sluice_recording::{
    AttributeValue, Diagnostic, Exchange, Field, Format, ImportOptions, ImportReport,
    RecordingFile, Redaction, import_joined,
};

use super::{
    calls::{Call, Planned},
    raw::RawExchange,
    scene::Scene,
};

/// Folder of the samples of what Envoy wrote.
pub const RAW: &str = "raw";
/// One exchange in so many is kept as Envoy wrote it.
const SAMPLE_EVERY: usize = 9;

/// Writes the recording and what belongs to it into `folder`, by way of `scratch`.
///
/// # Errors
/// When a file cannot be written or an exchange cannot be imported.
pub fn publish(
    exchanges: &[RawExchange],
    scene: &Scene,
    scratch: &Path,
    folder: &Path,
) -> Result<ImportReport, Diagnostic> {
    let io = |error: io::Error| Diagnostic::io(&error, "the folder of recordings");
    let all = write_raw(exchanges.iter(), &scratch.join("all")).map_err(io)?;
    if scene.keeps_sample {
        let sample = exchanges.iter().step_by(SAMPLE_EVERY);
        write_raw(sample, &folder.join(RAW)).map_err(io)?;
    }
    let report = import(&all, scene, &folder.join(scene.recording()))?;
    if let Some((name, text)) = &scene.beside {
        fs::write(folder.join(name), text).map_err(io)?;
    }
    Ok(report)
}

struct RawFiles {
    taps: std::path::PathBuf,
    log: std::path::PathBuf,
}

/// Taps one after another, as Envoy wrote each, and the log lines that belong to them.
fn write_raw<'a>(
    exchanges: impl Iterator<Item = &'a RawExchange>,
    folder: &Path,
) -> io::Result<RawFiles> {
    let (mut taps, mut log) = (String::new(), String::new());
    for exchange in exchanges {
        taps.push_str(exchange.tap.trim_end());
        taps.push('\n');
        log.push_str(&exchange.log_line);
        log.push('\n');
    }
    fs::create_dir_all(folder)?;
    let files = RawFiles {
        taps: folder.join("taps.json"),
        log: folder.join("access.jsonl"),
    };
    fs::write(&files.taps, taps)?;
    fs::write(&files.log, log)?;
    Ok(files)
}

fn import(raw: &RawFiles, scene: &Scene, path: &Path) -> Result<ImportReport, Diagnostic> {
    let open = |path: &Path| {
        let file = File::open(path).map_err(|error| Diagnostic::io(&error, "what Envoy wrote"));
        file.map(BufReader::new)
    };
    let options = |format| ImportOptions {
        format: Some(format),
        // Every credential in it was made up for it.
        redaction: Redaction::none(),
        ..ImportOptions::default()
    };
    let tap = options(Format::TapJson);
    let mut header = tap.header(Format::TapJson);
    header.creator = Some("cargo xtask record".to_owned());
    header.description = Some(scene.description.to_owned());
    let mut recording = RecordingFile::create(path, &header)?;
    let sent = sent_by_request_id(scene);
    let log = options(Format::AccessLogJson);
    let report = import_joined(
        || open(&raw.taps),
        open(&raw.log)?,
        &tap,
        &log,
        &mut |mut exchange| {
            restore_bytes(&mut exchange, &sent);
            if scene.denies_metadata {
                // The proxy has no filters but the tap and the router.
                exchange
                    .attributes
                    .insert("metadata.filter_metadata", AttributeValue::Absent);
            }
            recording.write(&exchange)
        },
    )?;
    recording.commit()?;
    Ok(report)
}

type Sent<'a> = HashMap<String, &'a Planned>;

fn sent_by_request_id(scene: &Scene) -> Sent<'_> {
    let with_id = |(index, planned)| (scene.request_id(index), planned);
    scene.plan.iter().enumerate().map(with_id).collect()
}

/// A tap shows every byte that is not UTF-8 as `!`. What was sent is known here.
fn restore_bytes(exchange: &mut Exchange<'_>, sent: &Sent<'_>) {
    let id = exchange
        .request
        .headers
        .first_text("x-request-id")
        .unwrap_or_default();
    let Some(Planned {
        call: Call::Http(request),
        ..
    }) = sent.get(id)
    else {
        return;
    };
    for (name, value) in &request.headers {
        if str::from_utf8(value).is_err() {
            restore_line(&mut exchange.request.headers.0, name, value);
        }
    }
}

fn restore_line(lines: &mut [Field<'_>], name: &[u8], value: &[u8]) {
    let damaged = damaged(value);
    let line = lines
        .iter_mut()
        .find(|line| line.name.as_bytes() == name && line.value == damaged.as_bytes());
    if let Some(line) = line {
        line.value = Cow::Owned(value.to_vec());
    }
}

/// As Envoy's tap writes it.
fn damaged(value: &[u8]) -> String {
    String::from_utf8_lossy(value).replace(char::REPLACEMENT_CHARACTER, "!")
}

#[cfg(test)]
mod tests {
    use sluice_recording::Field;

    use super::restore_line;

    #[test]
    fn only_the_damaged_line_is_restored() {
        let mut lines = [Field::new("x-role", "user"), Field::new("x-role", "na!ve")];
        restore_line(&mut lines, b"x-role", b"na\xefve");
        assert_eq!(lines[0].value.as_ref(), b"user");
        assert_eq!(lines[1].value.as_ref(), b"na\xefve");
    }
}
