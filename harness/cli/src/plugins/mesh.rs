//! What the plugins' own configuration says of the mesh around them.

use serde_json::Value;
use sluice_policy::path_normalization::Normalization;

use super::Installation;
use crate::failure::Failure;

/// Where the filters of sluice take the mesh's path normalisation from.
const FIELD: &str = "mesh.pathNormalization.normalization";

/// The path normalisation of the proxy: `given` on the command line, else what
/// the plugins that name one say, else Istio's default.
///
/// # Errors
/// When nothing is given and the plugins do not agree: a proxy has one.
pub fn path_normalization(
    installation: &Installation,
    given: Option<Normalization>,
) -> Result<Normalization, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let mut first: Option<(&str, Normalization)> = None;
    for (name, filter) in installation.filters() {
        let Some(mode) = named_in(&filter.configuration) else {
            continue;
        };
        match first {
            None => first = Some((name, mode)),
            Some((other, known)) if known != mode => return Err(disagreement(other, name)),
            Some(_) => {}
        }
    }
    Ok(first.map_or_else(Normalization::default, |(_, mode)| mode))
}

/// A name that Istio does not know is for the plugin to refuse, and what is no
/// JSON object is another plugin's business altogether.
fn named_in(configuration: &[u8]) -> Option<Normalization> {
    let Ok(configuration) = serde_json::from_slice::<Value>(configuration) else {
        return None;
    };
    let name = configuration.pointer("/mesh/pathNormalization/normalization")?;
    Normalization::from_name(name.as_str()?)
}

fn disagreement(one: &str, other: &str) -> Failure {
    Failure::with_help(
        format_args!("pluginConfig.{FIELD}"),
        format_args!("different modes in {one} and {other}"),
        "the same in every plugin, as a mesh has one",
        "give the mesh's with --path-normalization",
        "different-path-normalization",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_read_where_the_filters_read_it() {
        let of = |mode: &str| {
            named_in(
                format!(r#"{{"mesh":{{"pathNormalization":{{"normalization":{mode}}}}}}}"#)
                    .as_bytes(),
            )
        };
        assert_eq!(of(r#""MERGE_SLASHES""#), Some(Normalization::MergeSlashes));
        assert_eq!(of(r#""DEFAULT""#), Some(Normalization::Base));
        assert_eq!(of(r#""FULL""#), None);
        assert_eq!(of("7"), None);
        assert_eq!(named_in(b""), None);
        assert_eq!(named_in(br#"{"mesh":{}}"#), None);
    }
}
