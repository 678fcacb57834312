//! One item of `jwtRules`.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, duration};

use super::{JwtRule, RuleKeys, header, location};

/// How long a fetch of keys may take when the rule does not say.
const DEFAULT_TIMEOUT_MS: u32 = 5_000;

/// Most `spaceDelimitedClaims`, from the resource's schema.
const MOST_SPACE_DELIMITED: usize = 64;

/// Reads a rule; a field that is wrong is left empty, and there is an error.
pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<JwtRule> {
    let mut rule = node.object(diagnostics)?;
    let issuer = rule
        .take("issuer")
        .and_then(|issuer| issuer.string(diagnostics))
        .unwrap_or_default();
    let read = JwtRule {
        issuer: issuer.into(),
        audiences: texts(&mut rule, "audiences", diagnostics),
        keys: RuleKeys::read(&mut rule, issuer, diagnostics),
        timeout_ms: rule
            .take("timeout")
            .and_then(|timeout| duration::milliseconds(&timeout, diagnostics))
            .unwrap_or(DEFAULT_TIMEOUT_MS),
        from_headers: list(
            &mut rule,
            "fromHeaders",
            location::read_headers,
            diagnostics,
        ),
        from_params: list(&mut rule, "fromParams", location::read_names, diagnostics),
        from_cookies: list(&mut rule, "fromCookies", location::read_names, diagnostics),
        output_payload_to_header: payload_header(&mut rule, diagnostics),
        output_claim_to_headers: list(
            &mut rule,
            "outputClaimToHeaders",
            claim_headers,
            diagnostics,
        ),
        forward_original_token: rule
            .take("forwardOriginalToken")
            .and_then(|forward| forward.boolean(diagnostics))
            .unwrap_or(false),
        space_delimited_claims: list(
            &mut rule,
            "spaceDelimitedClaims",
            space_delimited,
            diagnostics,
        ),
    };
    rule.finish(diagnostics);
    Some(read)
}

/// A list that may be left out.
fn list<T>(
    rule: &mut Object<'_>,
    key: &'static str,
    read: fn(&Node<'_>, &mut Diagnostics) -> Vec<T>,
    diagnostics: &mut Diagnostics,
) -> Vec<T> {
    match rule.take(key) {
        Some(node) => read(&node, diagnostics),
        None => Vec::new(),
    }
}

fn texts(rule: &mut Object<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    list(rule, key, plain_texts, diagnostics)
}

fn plain_texts(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let texts = node.texts(diagnostics).unwrap_or_default();
    texts.into_iter().map(|(text, _)| text.into()).collect()
}

fn space_delimited(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<Box<str>> {
    let claims = plain_texts(node, diagnostics);
    if claims.len() > MOST_SPACE_DELIMITED {
        let expected = format!("at most {MOST_SPACE_DELIMITED} claims");
        node.error(DiagnosticCode::TooMany, expected, diagnostics);
    }
    claims
}

/// An empty name is none, as in the message that Istio checks. Istio takes any other;
/// Envoy refuses a listener with a name that no header can have.
fn payload_header(rule: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    let node = rule.take("outputPayloadToHeader")?;
    if node.string(diagnostics)?.is_empty() {
        return None;
    }
    header::read(&node, diagnostics)
}

fn claim_headers(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<(Box<str>, Box<str>)> {
    let mut headers = Vec::new();
    for item in node.items(diagnostics).unwrap_or_default() {
        let Some(header) = claim_header(&item, diagnostics) else {
            continue;
        };
        if headers.contains(&header) {
            location::warn_of_duplicate(&item, diagnostics);
        }
        headers.push(header);
    }
    headers
}

fn claim_header(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<(Box<str>, Box<str>)> {
    let mut object = node.object(diagnostics)?;
    let name = object.require("header", diagnostics);
    let claim = object.require("claim", diagnostics);
    object.finish(diagnostics);
    let name = name.and_then(|name| header::read_strict(&name, diagnostics));
    let claim = claim.and_then(|claim| claim.text(diagnostics));
    Some((name?, claim?.into()))
}
