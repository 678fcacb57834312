//! From a plugin's `url` to the file that holds its module.

use std::path::{Path, PathBuf};

/// Where a module comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `file://`: a path inside the proxy's container.
    File(PathBuf),
    /// `http://` or `https://`.
    Http,
    /// An OCI image: `oci://`, or no scheme.
    Oci,
}

impl Origin {
    /// The origin that a checked URL names.
    pub fn of(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("oci", url));
        match scheme.to_ascii_lowercase().as_str() {
            "file" => Self::File(PathBuf::from(rest)),
            "http" | "https" => Self::Http,
            _ => Self::Oci,
        }
    }
}

/// The name by which a module is known in a `--modules` folder: the last part
/// of the URL without tag, digest, query or `.wasm`.
pub fn base_name(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest
        .split(['?', '#'])
        .next()
        .unwrap_or(rest)
        .trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or(path);
    let last = last.split('@').next().unwrap_or(last);
    let last = last.split(':').next().unwrap_or(last);
    last.strip_suffix(".wasm").unwrap_or(last)
}

/// The files that may hold the module, best first: `NAME.wasm`, and for an
/// image `sluice-NAME` also `NAME.wasm`.
pub fn candidates(url: &str, modules: &Path) -> Vec<PathBuf> {
    let name = base_name(url);
    let short = name
        .strip_prefix("sluice-")
        .filter(|short| !short.is_empty());
    std::iter::once(name)
        .chain(short)
        .map(|name| modules.join(format!("{name}.wasm")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_base_name() {
        let table = [
            (
                "oci://registry.example:5000/mesh/sluice-authz:1.2.0",
                "sluice-authz",
            ),
            ("registry.example/sluice-authz@sha256:0123", "sluice-authz"),
            ("https://host/filters/openid.wasm?v=1", "openid"),
            ("file:///opt/filters/openid.wasm", "openid"),
            ("authz", "authz"),
        ];
        for (url, name) in table {
            assert_eq!(base_name(url), name, "{url}");
        }
    }

    #[test]
    fn an_image_of_ours_is_also_found_by_its_short_name() {
        let files = candidates("oci://r/sluice-authz:1", Path::new("dist"));
        assert_eq!(
            files,
            [
                Path::new("dist/sluice-authz.wasm"),
                Path::new("dist/authz.wasm")
            ]
        );
    }

    #[test]
    fn knows_the_origin() {
        assert_eq!(
            Origin::of("file:///a/b.wasm"),
            Origin::File(PathBuf::from("/a/b.wasm"))
        );
        assert_eq!(Origin::of("https://h/b.wasm"), Origin::Http);
        assert_eq!(Origin::of("h/b"), Origin::Oci);
    }
}
