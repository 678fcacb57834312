//! Which values a field may have.

use sluice_policy::diagnostic::quote;
use sluice_policy::json::Node;
use sluice_policy::matcher::{IpMatcher, PathMatcher, parse_port};
use sluice_policy::{DiagnosticCode, Diagnostics};

use super::field::Field;

/// Most service accounts of one list.
const MOST_SERVICE_ACCOUNTS: usize = 16;
/// Longest service account, in bytes.
const LONGEST_SERVICE_ACCOUNT: usize = 320;

/// Checks the values of the list at `list`.
pub(super) fn check(
    field: &Field,
    list: &Node<'_>,
    values: &[(&str, Node<'_>)],
    diagnostics: &mut Diagnostics,
) {
    if *field == Field::ServiceAccount && values.len() > MOST_SERVICE_ACCOUNTS {
        list.error(
            DiagnosticCode::TooMany,
            format!("at most {MOST_SERVICE_ACCOUNTS} values"),
            diagnostics,
        );
    }
    for (value, node) in values {
        if let Err((code, expected)) = check_value(field, value) {
            node.error(code, expected, diagnostics);
        }
        if *field == Field::Principal {
            warn_of_scheme(value, node, diagnostics);
        }
    }
    if *field == Field::IpBlock {
        let found = "a test of the socket's peer, which no Wasm filter can see";
        let expected = "remoteIpBlocks or remote.ip: the effective client address is compared";
        diagnostics.warning(
            DiagnosticCode::ApproximateAddress,
            list.path(),
            found,
            expected,
        );
    }
}

/// Istio puts the scheme before what is written, so a principal with a scheme
/// matches nobody.
fn warn_of_scheme(value: &str, node: &Node<'_>, diagnostics: &mut Diagnostics) {
    let Some(identity) = value.strip_prefix("spiffe://") else {
        return;
    };
    let expected = "an identity without scheme; with one it matches nobody";
    diagnostics
        .warning(
            DiagnosticCode::InvalidTrustDomain,
            node.path(),
            quote(value),
            expected,
        )
        .help = Some(format!("did you mean {}?", quote(identity)));
}

type Objection = (DiagnosticCode, String);

fn check_value(field: &Field, value: &str) -> Result<(), Objection> {
    match field {
        Field::IpBlock | Field::RemoteIpBlock | Field::DestinationIp => demand(
            IpMatcher::new(value).is_some(),
            DiagnosticCode::InvalidAddress,
            "an IP address or a CIDR range",
        ),
        Field::Port => demand(
            parse_port(value).is_some(),
            DiagnosticCode::InvalidPort,
            "a port from 0 to 65535",
        ),
        Field::ServiceAccount => check_service_account(value),
        Field::TrustDomain => check_trust_domain(value),
        Field::Path => match PathMatcher::new(value) {
            Ok(_) => Ok(()),
            Err(error) => Err((DiagnosticCode::InvalidTemplate, error.to_string())),
        },
        _ => Ok(()),
    }
}

fn demand(is_good: bool, code: DiagnosticCode, expected: &str) -> Result<(), Objection> {
    if is_good {
        Ok(())
    } else {
        Err((code, expected.to_owned()))
    }
}

fn check_service_account(value: &str) -> Result<(), Objection> {
    let halves: Vec<&str> = value.split('/').collect();
    let is_named = halves.len() <= 2 && halves.iter().all(|half| !half.is_empty());
    demand(
        !value.contains('*'),
        DiagnosticCode::InvalidWildcard,
        "a service account without `*`",
    )?;
    demand(
        value.len() <= LONGEST_SERVICE_ACCOUNT,
        DiagnosticCode::TooMany,
        "at most 320 bytes",
    )?;
    demand(
        is_named,
        DiagnosticCode::InvalidServiceAccount,
        "NAME or NAMESPACE/NAME",
    )
}

fn check_trust_domain(value: &str) -> Result<(), Objection> {
    let code = DiagnosticCode::InvalidTrustDomain;
    demand(
        !value.contains('/'),
        code,
        "a trust domain without scheme and path",
    )?;
    demand(
        has_one_wildcard_at_an_end(value),
        code,
        "at most one `*`, first or last",
    )
}

/// Istio's rule for values whose only wildcard is one `*` at an end.
pub fn has_one_wildcard_at_an_end(value: &str) -> bool {
    let inner = value
        .strip_prefix('*')
        .or_else(|| value.strip_suffix('*'))
        .unwrap_or(value);
    !value.is_empty() && !inner.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn code(field: &Field, value: &str) -> Option<DiagnosticCode> {
        check_value(field, value).err().map(|(code, _)| code)
    }

    #[test]
    fn service_accounts_are_one_name_or_two() {
        let field = Field::ServiceAccount;
        assert_eq!(code(&field, "sa"), None);
        assert_eq!(code(&field, "ns/sa"), None);
        assert_eq!(
            code(&field, "ns/"),
            Some(DiagnosticCode::InvalidServiceAccount)
        );
        assert_eq!(
            code(&field, "/sa"),
            Some(DiagnosticCode::InvalidServiceAccount)
        );
        assert_eq!(
            code(&field, "a/b/c"),
            Some(DiagnosticCode::InvalidServiceAccount)
        );
        assert_eq!(code(&field, "ns/*"), Some(DiagnosticCode::InvalidWildcard));
        assert_eq!(code(&field, &"a".repeat(320)), None);
        assert_eq!(
            code(&field, &"a".repeat(321)),
            Some(DiagnosticCode::TooMany)
        );
    }

    #[test]
    fn trust_domains_have_a_wildcard_at_an_end_only() {
        let field = Field::TrustDomain;
        for good in ["td", "*", "*td", "td*"] {
            assert_eq!(code(&field, good), None, "{good}");
        }
        for bad in ["t*d", "*t*", "**"] {
            assert_eq!(
                code(&field, bad),
                Some(DiagnosticCode::InvalidTrustDomain),
                "{bad}"
            );
        }
        assert_eq!(
            code(&field, "spiffe://td"),
            Some(DiagnosticCode::InvalidTrustDomain)
        );
    }
}
