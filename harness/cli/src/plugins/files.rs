//! `--plugins FILE|DIR`: manifest files on disk.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::yaml::{self, Node, YamlFile};

/// Reads files, and the `.yaml`, `.yml` and `.json` files of folders and of
/// the folders in them, in the order of their names.
///
/// # Errors
/// When something cannot be read, is too large or is not UTF-8.
pub fn read(paths: &[PathBuf]) -> Result<Vec<YamlFile>, Failure> {
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
            files.push(YamlFile::read(&file)?);
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
    let file = YamlFile::read(&path)?;
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
