//! Rules of an AuthorizationPolicy.

use sluice_policy::diagnostic::{quote, suggest};
use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics};

use super::condition::{self, BadKey};
use super::field::{Field, OPERATION, SOURCE};
use super::{Action, Conjunction, Rule, Test, value};

/// Most rules of one policy, from the resource's schema.
const MOST_RULES: usize = 512;

/// Reads `rules` of a policy with that action.
pub(super) fn read_all(
    node: &Node<'_>,
    action: &Action,
    diagnostics: &mut Diagnostics,
) -> Vec<Rule> {
    let nodes = node.items(diagnostics).unwrap_or_default();
    if nodes.len() > MOST_RULES {
        node.error(
            DiagnosticCode::TooMany,
            format!("at most {MOST_RULES} rules"),
            diagnostics,
        );
    }
    let mut rules = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let rule = read(node, action, diagnostics);
        if *action == Action::Deny && denies_all_tcp(&rule) {
            let found =
                "a DENY rule of HTTP fields only, which Istio makes deny every TCP connection";
            diagnostics.warning(
                DiagnosticCode::DeniesAllTcp,
                node.path(),
                found,
                "ports beside them",
            );
        }
        rules.push(rule);
    }
    rules
}

fn read(node: &Node<'_>, action: &Action, diagnostics: &mut Diagnostics) -> Rule {
    let Some(mut object) = node.object(diagnostics) else {
        return Rule::default();
    };
    let (from, to, when) = (object.take("from"), object.take("to"), object.take("when"));
    object.finish(diagnostics);
    let mut reader = Reader {
        action,
        diagnostics,
    };
    Rule {
        from: from
            .map(|node| reader.alternatives(&node, "source", &SOURCE))
            .unwrap_or_default(),
        to: to
            .map(|node| reader.alternatives(&node, "operation", &OPERATION))
            .unwrap_or_default(),
        when: when
            .map(|node| reader.conditions(&node))
            .unwrap_or_default(),
    }
}

/// When Istio warns: there is a source or an operation, and none of them names
/// what a TCP connection has.
fn denies_all_tcp(rule: &Rule) -> bool {
    let is_tcp = |tests: &Conjunction| tests.iter().any(|test| !test.field.is_http_only());
    match (rule.from.as_slice(), rule.to.as_slice()) {
        ([], []) => false,
        (from, []) => !from.iter().any(is_tcp),
        (_, to) => !to.iter().any(is_tcp),
    }
}

/// The fields that an object may have, each with its negation.
type Fields = [(&'static str, &'static str, Field)];

struct Reader<'r> {
    action: &'r Action,
    diagnostics: &'r mut Diagnostics,
}

impl Reader<'_> {
    /// Reads `from` or `to`: a list of objects with one object inside.
    fn alternatives(
        &mut self,
        node: &Node<'_>,
        inner: &'static str,
        fields: &Fields,
    ) -> Vec<Conjunction> {
        let nodes = node.some_items(self.diagnostics).unwrap_or_default();
        nodes
            .iter()
            .map(|node| self.alternative(node, inner, fields))
            .collect()
    }

    fn alternative(
        &mut self,
        node: &Node<'_>,
        inner: &'static str,
        fields: &Fields,
    ) -> Conjunction {
        let Some(mut outer) = node.object(self.diagnostics) else {
            return Vec::new();
        };
        let inner = outer.require(inner, self.diagnostics);
        outer.finish(self.diagnostics);
        let Some(inner) = inner else {
            return Vec::new();
        };
        let Some(mut object) = inner.object(self.diagnostics) else {
            return Vec::new();
        };
        let mut is_set = false;
        let mut tests = Vec::new();
        for (positive, negative, field) in fields {
            for (key, negated) in [(*positive, false), (*negative, true)] {
                let Some(list) = object.take(key) else {
                    continue;
                };
                is_set |= is_filled(&list);
                tests.extend(self.test(field, negated, &list));
            }
        }
        object.finish(self.diagnostics);
        if !is_set {
            inner.error(
                DiagnosticCode::EmptyValue,
                "at least one field with values",
                self.diagnostics,
            );
        }
        self.check_mixture(&inner, &tests);
        // Thousands of rules are kept until they are compiled.
        tests.shrink_to_fit();
        tests
    }

    /// Service accounts stand for namespace and name: they exclude both.
    fn check_mixture(&mut self, node: &Node<'_>, tests: &Conjunction) {
        let uses = |fields: &[Field]| tests.iter().any(|test| fields.contains(&test.field));
        if uses(&[Field::ServiceAccount]) && uses(&[Field::Principal, Field::Namespace]) {
            let found = "serviceAccounts beside principals or namespaces";
            self.diagnostics.error(
                DiagnosticCode::ConflictingSource,
                node.path(),
                found,
                "one or the other",
            );
        }
    }

    /// Reads one list of values; none if it is empty, which is as if it were
    /// not there.
    fn test(&mut self, field: &Field, negated: bool, list: &Node<'_>) -> Option<Test> {
        let values = list.texts(self.diagnostics)?;
        if values.is_empty() {
            return None;
        }
        if matches!(self.action, Action::Custom(_)) && field.is_identity() {
            let expected = "no identity: CUSTOM policies run before authentication";
            list.error(
                DiagnosticCode::ForbiddenWithCustom,
                expected,
                self.diagnostics,
            );
        }
        value::check(field, list, &values, self.diagnostics);
        let values = values.into_iter().map(|(value, _)| value.into()).collect();
        Some(Test {
            field: field.clone(),
            negated,
            values,
        })
    }

    fn conditions(&mut self, node: &Node<'_>) -> Conjunction {
        let nodes = node.items(self.diagnostics).unwrap_or_default();
        let mut tests = Conjunction::new();
        for node in &nodes {
            tests.append(&mut self.condition(node));
        }
        tests
    }

    fn condition(&mut self, node: &Node<'_>) -> Conjunction {
        let Some(mut object) = node.object(self.diagnostics) else {
            return Vec::new();
        };
        let key = object.require("key", self.diagnostics);
        let lists = [
            (object.take("values"), false),
            (object.take("notValues"), true),
        ];
        self.finish_condition(object, &lists);
        let Some(field) = key.and_then(|key| self.field(&key)) else {
            return Vec::new();
        };
        let mut tests = Conjunction::new();
        for (list, negated) in &lists {
            if let Some(list) = list {
                tests.extend(self.test(&field, *negated, list));
            }
        }
        tests
    }

    fn finish_condition(&mut self, object: Object<'_>, lists: &[(Option<Node<'_>>, bool)]) {
        let path = object.path().to_owned();
        object.finish(self.diagnostics);
        if !lists
            .iter()
            .any(|(list, _)| list.as_ref().is_some_and(is_filled))
        {
            let found = "neither values nor notValues";
            self.diagnostics.error(
                DiagnosticCode::MissingKey,
                &path,
                found,
                "at least one of them",
            );
        }
    }

    /// The field that a key of `when` stands for.
    fn field(&mut self, node: &Node<'_>) -> Option<Field> {
        let key = node.text(self.diagnostics)?;
        let (code, expected) = match condition::parse(key) {
            Ok(field) => return Some(field),
            Err(BadKey::Malformed) => (
                DiagnosticCode::InvalidConditionKey,
                "a key of the form a[b]".to_owned(),
            ),
            Err(BadKey::Removed(instead)) => (
                DiagnosticCode::RemovedConditionKey,
                format!("{instead} in its place"),
            ),
            Err(BadKey::Unknown) => {
                let known: Vec<String> = condition::known_keys().map(quote).collect();
                (
                    DiagnosticCode::InvalidConditionKey,
                    format!("one of {}", known.join(", ")),
                )
            }
        };
        node.error(code, expected, self.diagnostics).help = suggest(key, condition::known_keys());
        None
    }
}

/// Whether a list has something in it. An empty one is as good as none; what is
/// no list has been or will be reported as such.
pub(super) fn is_filled(list: &Node<'_>) -> bool {
    list.value()
        .as_array()
        .is_none_or(|values| !values.is_empty())
}
