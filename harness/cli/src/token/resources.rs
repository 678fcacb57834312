//! The RequestAuthentications of a file, as they are or within a plugin's configuration,
//! and whose filter they are for.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sluice_policy::{Diagnostic, Labels, Mesh, Workload};

use super::verdict;
use crate::console::Console;
use crate::failure::Failure;
use crate::yaml::{self, Node, YamlFile};

/// The kind of resource that says what tokens are taken.
const KIND: &str = "RequestAuthentication";

/// Where the configuration of a plugin stands, by the kind of its manifest.
const PLUGINS: [(&str, [&str; 2]); 2] = [
    ("WasmPlugin", ["/spec/pluginConfig", "spec.pluginConfig"]),
    (
        "TrafficExtension",
        ["/spec/wasm/pluginConfig", "spec.wasm.pluginConfig"],
    ),
];

/// The resources to judge by.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// Each as it is.
    pub values: Vec<Value>,
    /// `mesh` of the first plugin's configuration that has one.
    pub mesh: Option<Value>,
}

/// Where a resource stands.
struct Place<'n> {
    document: &'n Node,
    /// Path to it within the document; empty if it is the document.
    path: String,
}

impl Resources {
    /// One resource alone.
    pub fn only(value: Value) -> Self {
        Self {
            values: vec![value],
            mesh: None,
        }
    }

    /// The resources of a file, each shown to be right at its place.
    ///
    /// # Errors
    /// The file cannot be read, holds none, or one that the filter does not take.
    pub fn read(path: &Path, console: &mut Console) -> Result<Self, Failure> {
        let file = YamlFile::read(path)?;
        let documents = yaml::parse(&file.text).map_err(|error| {
            file.show_yaml_error(console, &error);
            Failure::new(path.display(), "no YAML", "resources", "invalid-yaml")
        })?;
        let mut found = Self::default();
        let mut places = Vec::new();
        for document in &documents {
            found.gather(document, &mut places);
        }
        if found.values.is_empty() {
            let expected = "a RequestAuthentication, or a plugin with one in its pluginConfig";
            let path = path.display();
            return Err(Failure::new(path, "none", expected, "no-resource"));
        }
        found.check(&file, path, &places, console)?;
        Ok(found)
    }

    fn gather<'n>(&mut self, document: &'n Node, places: &mut Vec<Place<'n>>) {
        let value = document.to_json();
        let kind = value.get("kind").and_then(Value::as_str);
        if kind == Some(KIND) {
            let path = String::new();
            places.push(Place { document, path });
            self.values.push(value);
            return;
        }
        let plugin = PLUGINS.iter().find(|(name, _)| kind == Some(*name));
        let Some((_, [pointer, base])) = plugin else {
            return;
        };
        let Some(configuration) = value.pointer(pointer) else {
            return;
        };
        let resources = configuration.get("resources").and_then(Value::as_array);
        for (index, resource) in resources.into_iter().flatten().enumerate() {
            if resource.get("kind").and_then(Value::as_str) == Some(KIND) {
                let path = format!("{base}.resources[{index}]");
                places.push(Place { document, path });
                self.values.push(resource.clone());
            }
        }
        let mesh = configuration.get("mesh").filter(|mesh| !mesh.is_null());
        self.mesh = self.mesh.take().or_else(|| mesh.cloned());
    }

    fn check(
        &self,
        file: &YamlFile,
        path: &Path,
        places: &[Place<'_>],
        console: &mut Console,
    ) -> Result<(), Failure> {
        // Whether they fit a workload is no question here: any will do.
        let (_, diagnostics) = verdict::program(self, &Workload::default());
        for diagnostic in diagnostics.iter() {
            match within(places, diagnostic) {
                Some((document, finding)) => file.show(console, document, &finding),
                None => console.say(diagnostic.severity.into(), diagnostic),
            }
        }
        if diagnostics.has_errors() {
            let found = diagnostics.errors_in_words();
            let expected = "resources that the filter takes";
            let path = path.display();
            return Err(Failure::new(path, found, expected, "invalid-resource"));
        }
        Ok(())
    }

    /// `pluginConfig` of the filter that has them.
    pub fn configuration(&self) -> Value {
        match &self.mesh {
            Some(mesh) => json!({"resources": self.values, "mesh": mesh}),
            None => json!({"resources": self.values}),
        }
    }

    /// The workload that every resource applies to.
    ///
    /// # Errors
    /// There is none: they are of several namespaces, or select different labels.
    pub fn workload(&self) -> Result<Workload, Failure> {
        Ok(Workload {
            namespace: self.namespace()?,
            labels: self.labels()?,
            ..Workload::default()
        })
    }

    /// The root namespace is everybody's.
    fn namespace(&self) -> Result<String, Failure> {
        let mesh = Mesh::default();
        let root = self
            .mesh
            .as_ref()
            .and_then(|mesh| mesh.get("rootNamespace"));
        let root = root.and_then(Value::as_str).unwrap_or(&mesh.root_namespace);
        let mut namespaces: Vec<&str> = (self.values.iter())
            .filter_map(|resource| resource.pointer("/metadata/namespace")?.as_str())
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let own: Vec<&str> = (namespaces.iter().copied())
            .filter(|namespace| *namespace != root)
            .collect();
        match (own.as_slice(), namespaces.first()) {
            ([one], _) => Ok((*one).to_owned()),
            ([], root) => Ok((*root.unwrap_or(&"default")).to_owned()),
            (several, _) => Err(ambiguous(&format!(
                "resources of the namespaces {}",
                several.join(", ")
            ))),
        }
    }

    fn labels(&self) -> Result<Labels, Failure> {
        let selected = (self.values.iter())
            .filter_map(|resource| resource.pointer("/spec/selector/matchLabels")?.as_object())
            .flatten();
        let mut labels = BTreeMap::new();
        for (key, value) in selected {
            let Some(value) = value.as_str() else {
                continue;
            };
            let other = labels.insert(key.as_str(), value);
            if let Some(other) = other.filter(|other| *other != value) {
                let found = format!("resources for {key}={other} and for {key}={value}");
                return Err(ambiguous(&found));
            }
        }
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Ok(labels.into_iter().map(owned).collect())
    }
}

fn ambiguous(found: &str) -> Failure {
    Failure::with_help(
        "--request-authentication",
        found,
        "resources that one workload could have",
        "say whose filter is asked, with --workload namespace=NAMESPACE,LABEL=VALUE",
        "ambiguous-workload",
    )
}

/// The document that a finding is about, and the finding with a path within it.
fn within<'n>(places: &[Place<'n>], diagnostic: &Diagnostic) -> Option<(&'n Node, Diagnostic)> {
    let (index, rest) = diagnostic
        .path
        .strip_prefix("resources[")?
        .split_once(']')?;
    let Ok(index) = index.parse::<usize>() else {
        return None;
    };
    let place = places.get(index)?;
    let path = format!("{}{rest}", place.path);
    let path = path.strip_prefix('.').unwrap_or(&path).to_owned();
    let finding = Diagnostic {
        path,
        ..diagnostic.clone()
    };
    Some((place.document, finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(each: &[(&str, &str)]) -> Resources {
        let resource = |(namespace, app): &(&str, &str)| {
            json!({
                "metadata": {"namespace": namespace},
                "spec": {"selector": {"matchLabels": {"app": app}}},
            })
        };
        Resources {
            values: each.iter().map(resource).collect(),
            mesh: None,
        }
    }

    #[test]
    fn a_workload_is_not_guessed() {
        let code = |each: &[(&str, &str)]| resources(each).workload().map_err(|e| e.code());
        assert_eq!(code(&[("a", "x"), ("b", "x")]), Err("ambiguous-workload"));
        assert_eq!(code(&[("a", "x"), ("a", "y")]), Err("ambiguous-workload"));
        for (each, namespace) in [
            (&[("apps", "x"), ("istio-system", "x")][..], "apps"),
            (&[("z", "x"), ("istio-system", "x")], "z"),
            (&[("istio-system", "x")], "istio-system"),
            (&[], "default"),
        ] {
            assert_eq!(code(each).unwrap().namespace, namespace);
        }
    }

    #[test]
    fn a_mesh_may_have_another_root_namespace() {
        let mut mixed = resources(&[("a", "x"), ("root", "x")]);
        assert!(mixed.workload().is_err());
        mixed.mesh = Some(json!({"rootNamespace": "root"}));
        assert_eq!(mixed.workload().unwrap().namespace, "a");
    }
}
