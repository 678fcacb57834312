//! `--plugins FILE|DIR`: manifest files on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use serde_json::Value;

use super::source::ManifestFile;
use crate::failure::Failure;
use crate::yaml::{self, Node};

/// What the API server takes at most, times ten: larger is not a manifest.
const MAX_BYTES: u64 = 15 << 20;

/// Reads files, and the `.yaml`, `.yml` and `.json` files of folders and of
/// the folders in them, in the order of their names.
///
/// # Errors
/// When something cannot be read, is too large or is not UTF-8.
pub fn read(paths: &[PathBuf]) -> Result<Vec<ManifestFile>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let found = manifests_under(path)?;
        if found.is_empty() {
            return Err(Failure::new(
                path.display(),
                "no file",
                "at least one .yaml, .yml or .json file",
                "no-manifest",
            ));
        }
        for file in found {
            files.push(read_file(&file)?);
        }
    }
    Ok(files)
}

fn manifests_under(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let metadata = fs::metadata(path).map_err(|error| Failure::reading(path, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| Failure::reading(path, &error))? {
        entries.push(
            entry
                .map_err(|error| Failure::reading(path, &error))?
                .path(),
        );
    }
    entries.sort();
    let patches = patches_in(path)?;
    entries.retain(|entry| !patches.contains(entry));
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            files.extend(manifests_under(&entry)?);
        } else if is_manifest(&entry) {
            files.push(entry);
        }
    }
    Ok(files)
}

/// Files that kustomize lays over other manifests: each is a part of one only.
fn patches_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let path = folder.join("kustomization.yaml");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let file = read_file(&path)?;
    let documents = yaml::parse(&file.text).map_err(|error| {
        let place = format!("{}:{}:{}", file.name, error.span.line, error.span.column);
        Failure::new(place, error.found, error.expected, "invalid-yaml")
    })?;
    let mut patches = Vec::new();
    for kustomization in documents.iter().map(Node::to_json) {
        let listed = kustomization.get("patches").and_then(Value::as_array);
        let paths = listed
            .into_iter()
            .flatten()
            .filter_map(|patch| patch.get("path")?.as_str());
        patches.extend(paths.map(|path| folder.join(path)));
    }
    Ok(patches)
}

/// kustomize's own files describe manifests and are none.
fn is_manifest(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    matches!(extension, "yaml" | "yml" | "json") && !stem.eq_ignore_ascii_case("kustomization")
}

fn read_file(path: &Path) -> Result<ManifestFile, Failure> {
    let size = fs::metadata(path)
        .map_err(|error| Failure::reading(path, &error))?
        .len();
    if size > MAX_BYTES {
        return Err(Failure::new(
            path.display(),
            format_args!("{size} bytes"),
            "at most 15 MiB",
            "too-large",
        ));
    }
    let bytes = fs::read(path).map_err(|error| Failure::reading(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    Ok(ManifestFile {
        name: path.display().to_string(),
        text,
    })
}

/// Says where, since a single wrong byte is hard to find by eye.
fn not_utf8(path: &Path, error: &FromUtf8Error) -> Failure {
    let offset = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let found = match (bytes, bytes.get(offset)) {
        ([0xff, 0xfe, ..] | [0xfe, 0xff, ..], _) => "UTF-16 text".to_owned(),
        (_, Some(byte)) => format!("byte 0x{byte:02x}"),
        (_, None) => "other text".to_owned(),
    };
    let before = bytes.iter().take(offset);
    let line = before.filter(|byte| **byte == b'\n').count() + 1;
    Failure::with_help(
        format_args!("{}:{line} (byte {offset})", path.display()),
        found,
        "UTF-8 text",
        "save the file as UTF-8",
        "not-utf8",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, bytes).unwrap();
        let message = read(&[path]).unwrap_err().to_string();
        let (_, message) = message.split_once("a.yaml").unwrap();
        message.to_owned()
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_place() {
        assert_eq!(
            refused(b"a: 1\nb: Zahlung f\xfcr\n"),
            ":2 (byte 17): found byte 0xfc, expected UTF-8 text; save the file as UTF-8 [not-utf8]"
        );
        assert_eq!(
            refused(b"\xff\xfea\0:\0"),
            ":1 (byte 0): found UTF-16 text, expected UTF-8 text; save the file as UTF-8 [not-utf8]"
        );
    }
}
