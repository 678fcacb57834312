//! The configuration of a plugin, as far as it is the same for every filter.

use serde_json::{Map, Value};

use crate::diagnostic::{DiagnosticCode, Diagnostics, quote};
use crate::json::{Node, Object, Read, Reader, child};
use crate::mesh::{EXTENSION_PROVIDERS, ExtensionProvider, Mesh, extension_provider};
use crate::resource::{Kind, Resource};
use crate::workload::Workload;

/// Everything but the resources, which [`read`] hands out one by one.
#[derive(Debug, Default)]
pub struct PluginConfig {
    /// `mesh`.
    pub mesh: Mesh,
    /// `workload`, for proxies without Istio's node metadata.
    pub workload: Option<Workload>,
    options: Map<String, Value>,
}

impl PluginConfig {
    /// The filter's own options: it takes what it knows and calls
    /// [`Object::finish`].
    pub fn options(&self) -> Object<'_> {
        let mut object = Object::new(&self.options, "");
        object.ignore(&[RESOURCES, MESH, WORKLOAD]);
        object
    }

    /// `mesh.extensionProviders`, for a filter that calls them. The others take the list
    /// as it is: whoever pastes a MeshConfig pastes it whole.
    pub fn extension_providers(&self, diagnostics: &mut Diagnostics) -> Vec<ExtensionProvider> {
        let mesh = self.options.get(MESH).and_then(Value::as_object);
        let list = mesh
            .and_then(|mesh| mesh.get(EXTENSION_PROVIDERS))
            .filter(|list| !list.is_null());
        let path = child(MESH, EXTENSION_PROVIDERS);
        list.map_or_else(Vec::new, |list| {
            extension_provider::read_all(&Node::new(list, path), diagnostics)
        })
    }
}

const RESOURCES: &str = "resources";
const MESH: &str = "mesh";
const WORKLOAD: &str = "workload";

/// Reads pluginConfig and gives every resource that can be read to `take`.
///
/// One resource at a time is held as JSON, because the memory of a Wasm module
/// never shrinks and thousands of policies as JSON would take tens of megabytes.
/// They come in the order of the document, which may have `mesh` after them.
///
/// No bytes at all are an empty configuration: Istio sends `{}` so.
pub fn read(
    bytes: &[u8],
    kinds: &[&'static Kind],
    diagnostics: &mut Diagnostics,
    mut take: impl FnMut(&Resource<'_>, &mut Diagnostics),
) -> PluginConfig {
    if bytes.is_empty() {
        return PluginConfig::default();
    }
    let mut resources = Resources {
        kinds,
        seen: Map::new(),
        take: &mut take,
    };
    let mut options = Map::new();
    let is_whole = Reader::new(bytes, diagnostics)
        .document(&mut |reader| read_root(reader, &mut options, &mut resources));
    if !is_whole {
        options.clear();
    }
    let node = |key: &str| {
        options
            .get(key)
            .filter(|value| !value.is_null())
            .map(|value| Node::new(value, key))
    };
    let mesh = node(MESH)
        .map(|mesh| Mesh::read(&mesh, diagnostics))
        .unwrap_or_default();
    let workload = node(WORKLOAD).and_then(|workload| Workload::read(&workload, diagnostics));
    PluginConfig {
        mesh,
        workload,
        options,
    }
}

/// Reads the document: an object whose `resources` are taken on the way.
fn read_root(
    reader: &mut Reader<'_, '_>,
    options: &mut Map<String, Value>,
    resources: &mut Resources<'_>,
) -> Read<()> {
    reader.object(&mut |reader, key| {
        let value = if key == RESOURCES {
            resources.read(reader)?;
            Value::Null
        } else {
            reader.value()?
        };
        reader.keep(options, key.into_owned(), value);
        Ok(())
    })
}

/// Receives resources and remembers their names.
struct Resources<'a> {
    kinds: &'a [&'static Kind],
    /// Kind, namespace and name of each. The values are of no account: it is a map that
    /// a module has in any case.
    seen: Map<String, Value>,
    take: &'a mut dyn FnMut(&Resource<'_>, &mut Diagnostics),
}

impl Resources<'_> {
    fn read(&mut self, reader: &mut Reader<'_, '_>) -> Read<()> {
        if reader.token() == Some(b'n') {
            return reader.value().map(drop);
        }
        reader.list("a list of resources", &mut |reader, ()| {
            let value = reader.value()?;
            self.receive(&value, &reader.path, reader.diagnostics);
            Ok(())
        })
    }

    fn receive(&mut self, value: &Value, path: &str, diagnostics: &mut Diagnostics) {
        let Some(resource) = Resource::read(&Node::new(value, path), self.kinds, diagnostics)
        else {
            return;
        };
        let name = resource.metadata.name;
        let Some(namespace) = resource.metadata.namespace else {
            // kubectl would take it from its context. A filter has none, and
            // guessing could attach a policy elsewhere.
            let path = format!("{path}.metadata.namespace");
            diagnostics.error(
                DiagnosticCode::MissingNamespace,
                &path,
                "nothing",
                "the namespace of the resource",
            );
            return;
        };
        // Neither kinds nor namespaces nor names contain a slash.
        let identity = [resource.kind.name, "/", namespace, "/", name].concat();
        if self.seen.insert(identity, Value::Null).is_some() {
            let found = format!(
                "another {} {}",
                resource.kind.name,
                quote(&format!("{namespace}/{name}"))
            );
            diagnostics.error(
                DiagnosticCode::DuplicateResource,
                path,
                found,
                "each resource once",
            );
            return;
        }
        (self.take)(&resource, diagnostics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::AUTHORIZATION_POLICY;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn policy(name: &str) -> Value {
        json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
               "metadata": {"name": name, "namespace": "n"}, "spec": {}})
    }

    /// The names that were read, and the findings.
    fn read_all(bytes: &[u8]) -> (Vec<String>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut names = Vec::new();
        let config = read(
            bytes,
            &[&AUTHORIZATION_POLICY],
            &mut diagnostics,
            |resource, _| {
                names.push(format!("{} {}", resource.path, resource.metadata.name));
            },
        );
        config.options().finish(&mut diagnostics);
        (names, diagnostics)
    }

    fn findings(config: &Value) -> Vec<(String, DiagnosticCode)> {
        let (_, diagnostics) = read_all(config.to_string().as_bytes());
        diagnostics
            .iter()
            .map(|finding| (finding.path.clone(), finding.code))
            .collect()
    }

    #[test]
    fn resources_come_in_the_order_of_the_document() {
        let config =
            json!({"resources": [policy("b"), policy("a")], "mesh": {"rootNamespace": "root"}});
        let (names, diagnostics) = read_all(config.to_string().as_bytes());
        assert_eq!(names, ["resources[0] b", "resources[1] a"]);
        assert_eq!(diagnostics.to_string(), "");
    }

    #[test]
    fn no_bytes_are_an_empty_configuration() {
        for bytes in [&b""[..], b"{}", b"{\"resources\":null}"] {
            let (names, diagnostics) = read_all(bytes);
            assert!(names.is_empty() && diagnostics.is_empty());
        }
    }

    #[test]
    fn the_same_resource_twice_is_an_error() {
        let config = json!({"resources": [policy("a"), policy("b"), policy("a")]});
        assert_eq!(
            findings(&config),
            [("resources[2]".to_owned(), DiagnosticCode::DuplicateResource)]
        );
    }

    #[test]
    fn a_resource_without_namespace_is_an_error() {
        let mut resource = policy("a");
        resource["metadata"] = json!({"name": "a"});
        let path = "resources[0].metadata.namespace".to_owned();
        assert_eq!(
            findings(&json!({"resources": [resource]})),
            [(path, DiagnosticCode::MissingNamespace)]
        );
    }

    #[test]
    fn resources_that_are_no_list_hide_nothing_else() {
        use DiagnosticCode as C;
        let shapes = ["{\"a\": [1], \"b\": {}}", "\"[\"", "7", "true"];
        for shape in shapes {
            let text = format!(
                r#"{{"mesh": {{"trustDomian": "a"}}, "resources": {shape}, "colour": 1, "workload": []}}"#
            );
            let (names, diagnostics) = read_all(text.as_bytes());
            let found: Vec<_> = diagnostics
                .iter()
                .map(|finding| (finding.path.as_str(), finding.code))
                .collect();
            let expected = [
                ("resources", C::WrongType),
                ("mesh.trustDomian", C::UnknownKey),
                ("workload", C::WrongType),
                ("colour", C::UnknownKey),
            ];
            assert_eq!(found, expected, "{shape}");
            assert!(names.is_empty());
        }
    }

    #[test]
    fn what_is_not_a_configuration_is_refused() {
        use DiagnosticCode as C;
        assert_eq!(
            findings(&json!({"resource": []})),
            [("resource".to_owned(), C::UnknownKey)]
        );
        assert_eq!(
            findings(&json!({"resources": {}})),
            [("resources".to_owned(), C::WrongType)]
        );
        assert_eq!(findings(&json!([])), [(String::new(), C::WrongType)]);
        assert_eq!(
            findings(&json!({"mesh": {"x": 1}})),
            [("mesh.x".to_owned(), C::UnknownKey)]
        );
        let (_, diagnostics) = read_all(b"[]");
        let expected = "document: found an empty list, expected an object [wrong-type]";
        assert_eq!(diagnostics.to_string(), expected);
        let (_, diagnostics) = read_all(b"{\"resources\":[],\"resources\":[]}");
        assert!(diagnostics.to_string().ends_with("[duplicate-key]"));
        for bytes in [&b"{\"resources\":[{]}"[..], b"{\"resources\":["] {
            let (_, diagnostics) = read_all(bytes);
            let finding = diagnostics.to_string();
            assert!(
                finding.starts_with("resources[0]: found a fault ("),
                "{finding}"
            );
        }
    }
}
