//! What Envoy wrote: one tap file for each exchange, and the access log.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde_json::Value;

/// File name of the access log.
pub const ACCESS_LOG: &str = "access.jsonl";
/// What the names of tap files begin with.
pub const TAP_PREFIX: &str = "tap";

/// One exchange as Envoy wrote it down.
#[derive(Debug, Clone)]
pub struct RawExchange {
    /// The tap, as written.
    pub tap: String,
    /// Its line in the access log, as written.
    pub log_line: String,
}

/// Brings taps into the order of the access log, which is the order of the calls.
///
/// # Errors
/// When a file cannot be read, or a logged request that reached the filters has no tap.
pub fn gather(directory: &Path) -> io::Result<Vec<RawExchange>> {
    let mut taps = taps_by_request_id(directory)?;
    let log = fs::read_to_string(directory.join(ACCESS_LOG))?;
    let mut exchanges = Vec::new();
    for line in log.lines() {
        let fields: Value = serde_json::from_str(line)?;
        let id = fields
            .get("request_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // A request that Envoy refused by itself never reached the tap.
        if let Some(tap) = taps.remove(id) {
            exchanges.push(RawExchange {
                tap,
                log_line: line.to_owned(),
            });
        } else {
            eprintln!("record: no tap, Envoy answered by itself: {line}");
        }
    }
    Ok(exchanges)
}

fn taps_by_request_id(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut taps = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TAP_PREFIX) {
            let text = fs::read_to_string(entry.path())?;
            let tap: Value = serde_json::from_str(&text)?;
            let id =
                request_id(&tap).ok_or_else(|| io::Error::other("a tap without x-request-id"))?;
            taps.insert(id, text);
        }
    }
    Ok(taps)
}

fn request_id(tap: &Value) -> Option<String> {
    let headers = tap
        .pointer("/http_buffered_trace/request/headers")?
        .as_array()?;
    let line = headers
        .iter()
        .find(|line| line.get("key") == Some(&"x-request-id".into()))?;
    line.get("value")?.as_str().map(str::to_owned)
}
