//! Where the keys of a rule come from: `jwks`, `jwksUri`, or neither.

use sluice_policy::diagnostic::secret;
use sluice_policy::json::{self, Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics};

use crate::jwks::KeySet;
use crate::key_source::{BadUri, ClusterMapping, KeySource, Remote};

/// A key set that has no keys. Istio hands out a key that nobody has for an issuer
/// whose keys it cannot find; either way no token of the issuer is accepted.
const NO_KEYS: &str = r#"{"keys":[]}"#;

/// `jwks`, `jwksUri`, or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleKeys {
    /// `jwks`.
    Inline(Box<str>),
    /// `jwksUri`.
    Uri(Box<str>),
    /// Neither: the issuer's OpenID configuration names the URL.
    Discovery,
}

impl RuleKeys {
    /// Reads both fields of a rule of that issuer.
    pub(super) fn read(rule: &mut Object<'_>, issuer: &str, diagnostics: &mut Diagnostics) -> Self {
        // Empty texts are unset in the message that Istio checks.
        let mut take = |key| rule.take(key).and_then(|node| filled(node, diagnostics));
        let (inline, uri) = (take("jwks"), take("jwksUri"));
        if let (Some(inline), Some(_)) = (&inline, &uri) {
            let (found, expected) = ("a key set beside a jwksUri", "only one of the two");
            let code = DiagnosticCode::ConflictingKeys;
            diagnostics.error(code, inline.path(), found, expected);
        }
        if let Some(uri) = uri {
            check_uri(&uri, diagnostics);
            return Self::Uri(text(&uri).into());
        }
        demand_issuer(rule, issuer, diagnostics);
        if let Some(inline) = inline {
            check_inline(&inline, diagnostics);
            return Self::Inline(text(&inline).into());
        }
        warn_of_bad_issuer(rule, issuer, diagnostics);
        Self::Discovery
    }

    /// What the keys of a rule of that issuer are fetched from.
    pub(crate) fn source(
        &self,
        issuer: &str,
        clusters: &[ClusterMapping],
        timeout_ms: u32,
    ) -> KeySource {
        let remote = match self {
            Self::Inline(text) => return KeySource::Inline(text.to_string()),
            Self::Uri(uri) => Remote::of(uri, clusters, timeout_ms),
            Self::Discovery => Remote::discovery(issuer, clusters, timeout_ms),
        };
        remote.map_or_else(
            |_: BadUri| KeySource::Inline(NO_KEYS.to_owned()),
            KeySource::Remote,
        )
    }
}

fn filled<'v>(node: Node<'v>, diagnostics: &mut Diagnostics) -> Option<Node<'v>> {
    let text = node.string(diagnostics)?;
    (!text.is_empty()).then_some(node)
}

fn text<'v>(node: &Node<'v>) -> &'v str {
    node.value().as_str().unwrap_or_default()
}

fn check_uri(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    if let Err(bad) = Remote::of(text(node), &[], 1) {
        let code = DiagnosticCode::InvalidJwksUri;
        diagnostics.error(code, node.path(), bad.found, bad.expected);
    }
}

/// Envoy refuses a listener with a key set that it cannot use.
fn check_inline(node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let text = text(node);
    if let Err(status) = KeySet::parse(text.as_bytes()) {
        let code = DiagnosticCode::InvalidJwks;
        let found = format!("a key set of {} bytes ({})", text.len(), status.text());
        diagnostics.error(
            code,
            node.path(),
            found,
            "a JSON Web Key Set with a usable key",
        );
    }
    if has_private_key(text) {
        let expected = "public keys: everybody who may read the resource could sign tokens";
        let code = DiagnosticCode::PrivateKey;
        diagnostics.warning(code, node.path(), secret(text), expected);
    }
}

/// `d` is what only private keys have, whatever their type (RFC 7518 section 6, RFC 8037
/// section 2).
fn has_private_key(text: &str) -> bool {
    // What is wrong with the text was told before.
    let set = json::parse(text.as_bytes(), &mut Diagnostics::new());
    let keys = set.as_ref().and_then(|set| set.get("keys")?.as_array());
    keys.is_some_and(|keys| keys.iter().any(|key| key.get("d").is_some()))
}

fn demand_issuer(rule: &Object<'_>, issuer: &str, diagnostics: &mut Diagnostics) {
    if issuer.is_empty() {
        let path = [rule.path(), ".issuer"].concat();
        let code = DiagnosticCode::MissingIssuer;
        let expected = "the issuer of the tokens, or a jwksUri whose keys sign tokens of any";
        diagnostics.error(code, &path, "no issuer", expected);
    }
}

/// Istio accepts such a rule, finds no keys, and refuses every token of the issuer.
fn warn_of_bad_issuer(rule: &Object<'_>, issuer: &str, diagnostics: &mut Diagnostics) {
    if issuer.is_empty() {
        return;
    }
    if let Err(bad) = Remote::discovery(issuer, &[], 1) {
        let path = [rule.path(), ".issuer"].concat();
        let code = DiagnosticCode::NoKeySource;
        let found = format!("{}, and neither jwks nor jwksUri", bad.found);
        diagnostics.warning(code, &path, found, bad.expected);
    }
}
