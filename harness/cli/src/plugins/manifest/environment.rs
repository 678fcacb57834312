//! `vmConfig.env`: the environment of a plugin's VM.

use sluice_policy::diagnostic::quote;
use sluice_policy::json::{Node, child};
use sluice_policy::{DiagnosticCode, Diagnostics};

use super::text;

/// Limits of the CRD's schema.
const MOST_VARIABLES: usize = 256;
const LONGEST_NAME: usize = 256;
const LONGEST_VALUE: usize = 2048;

/// One environment variable of the VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Name.
    pub name: String,
    /// Value, or `None` for the proxy's own variable of that name.
    pub value: Option<String>,
}

/// Reads `vmConfig`.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Variable> {
    let Some(mut config) = node.object(diagnostics) else {
        return Vec::new();
    };
    let list = config.take("env");
    config.finish(diagnostics);
    list.map_or_else(Vec::new, |list| read_list(&list, diagnostics))
}

fn read_list(list: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Variable> {
    let items = list.items(diagnostics).unwrap_or_default();
    if items.len() > MOST_VARIABLES {
        let found = format!("{} variables", items.len());
        let expected = format!("at most {MOST_VARIABLES}");
        diagnostics.error(DiagnosticCode::TooMany, list.path(), found, expected);
    }
    let mut variables: Vec<Variable> = Vec::new();
    for item in items {
        let Some(variable) = read_variable(&item, diagnostics) else {
            continue;
        };
        if variables.iter().any(|known| known.name == variable.name) {
            let path = child(item.path(), "name");
            let found = quote(&variable.name);
            let expected = "each variable once";
            diagnostics.error(DiagnosticCode::DuplicateItem, &path, found, expected);
        }
        variables.push(variable);
    }
    variables
}

const SOURCES: [(&str, bool); 2] = [("INLINE", false), ("HOST", true)];

fn read_variable(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Variable> {
    let mut variable = node.object(diagnostics)?;
    let name = variable.require("name", diagnostics);
    let source = variable.take("valueFrom");
    let value = variable.take("value");
    variable.finish(diagnostics);
    let name = name.and_then(|name| text::one_to(&name, LONGEST_NAME, diagnostics));
    let is_from_host = source
        .and_then(|source| source.one_of(&SOURCES, diagnostics))
        .unwrap_or_default();
    if let Some(value) = value.as_ref().filter(|_| is_from_host) {
        let expected = "no value, which is for valueFrom: INLINE";
        diagnostics.error(
            DiagnosticCode::ValueFromHost,
            value.path(),
            "a value beside valueFrom: HOST",
            expected,
        );
    }
    let value = value.and_then(|value| text::at_most(&value, LONGEST_VALUE, diagnostics));
    Some(Variable {
        name: name?.to_owned(),
        value: (!is_from_host).then(|| value.unwrap_or_default().to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read_env(env: &Value) -> (Vec<Variable>, Vec<DiagnosticCode>) {
        let mut diagnostics = Diagnostics::new();
        let config = json!({"env": env});
        let variables = read(&Node::new(&config, "spec.vmConfig"), &mut diagnostics);
        let codes = diagnostics.iter().map(|found| found.code).collect();
        (variables, codes)
    }

    #[test]
    fn a_variable_is_inline_or_the_hosts() {
        let (variables, codes) = read_env(
            &json!([{"name": "A", "value": "1"}, {"name": "B", "valueFrom": "HOST"}, {"name": "C"}]),
        );
        assert_eq!(codes, []);
        let values: Vec<_> = variables
            .iter()
            .map(|known| known.value.as_deref())
            .collect();
        assert_eq!(values, [Some("1"), None, Some("")]);
    }

    #[test]
    fn what_the_schema_refuses_is_refused() {
        use DiagnosticCode as C;
        let many: Vec<Value> = (0..257)
            .map(|number| json!({"name": number.to_string()}))
            .collect();
        for (env, code) in [
            (json!([{"name": ""}]), C::EmptyValue),
            (json!([{"value": "x"}]), C::MissingKey),
            (
                json!([{"name": "A", "valueFrom": "HOST", "value": "x"}]),
                C::ValueFromHost,
            ),
            (json!([{"name": "A", "valueFrom": "host"}]), C::UnknownValue),
            (json!([{"name": "A"}, {"name": "A"}]), C::DuplicateItem),
            (
                json!([{"name": "A", "value": "x".repeat(2049)}]),
                C::TooMany,
            ),
            (Value::from(many), C::TooMany),
        ] {
            assert_eq!(read_env(&env).1, [code]);
        }
    }
}
