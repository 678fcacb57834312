//! Stable names of findings.

use std::fmt;

/// Declares the codes in one table: variant, stable name, title.
macro_rules! codes {
    ($($variant:ident $name:literal $title:literal)*) => {
        /// What kind of finding it is.
        ///
        /// Names are stable: tools and people search for them. Each has a
        /// section in the documentation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DiagnosticCode {
            $(#[doc = $title] $variant,)*
        }

        impl DiagnosticCode {
            /// Every code, in the order of the enum.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Stable name in kebab-case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The finding in a sentence.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }
        }
    };
}

codes! {
    // Of the document.
    MalformedJson "malformed-json" "The document is not JSON."
    TooLarge "too-large" "The document has more bytes than are read."
    TooDeep "too-deep" "The document nests deeper than is read."
    DuplicateKey "duplicate-key" "An object has the same key twice."
    UnknownKey "unknown-key" "An object has a key that means nothing there."
    MissingKey "missing-key" "A key that must be there is not."
    WrongType "wrong-type" "A value has another JSON type than its field."
    EmptyValue "empty-value" "A value is empty that must not be."
    TooMany "too-many" "A list or a text is longer than Istio allows."
    UnknownValue "unknown-value" "A value is not one of the few that the field knows."
    OutOfRange "out-of-range" "A number is too small or too large."
    // Of resources.
    UnsupportedKind "unsupported-kind" "The filter does not implement resources of that kind."
    UnsupportedVersion "unsupported-version" "The kind does not exist in that apiVersion."
    DuplicateResource "duplicate-resource" "Two resources have the same kind, namespace and name."
    MissingNamespace "missing-namespace" "A resource does not say its namespace."
    InvalidTimestamp "invalid-timestamp" "A time is not in the form that Kubernetes writes."
    InvalidDuration "invalid-duration" "A duration cannot be read, or is too short or too long."
    InvalidSelector "invalid-selector" "A label of a selector could match nothing, or has a wildcard."
    MatchesEverything "matches-everything" "A selector without labels selects every workload in scope."
    ConflictingTargets "conflicting-targets" "More than one of selector, targetRef and targetRefs is set."
    InvalidTargetRef "invalid-target-ref" "A targetRef names what no policy can attach to."
    // Of WasmPlugin and TrafficExtension.
    InvalidUrl "invalid-url" "A url cannot be read, or has a scheme that Istio does not fetch from."
    InvalidChecksum "invalid-checksum" "A sha256 is not 64 lower-case hexadecimal digits."
    DuplicateItem "duplicate-item" "A list names the same thing twice."
    OneFilterNeeded "one-filter-needed" "A TrafficExtension has both or neither of wasm and lua."
    ValueFromHost "value-from-host" "A variable that the proxy is to provide is given a value."
    IgnoredKey "ignored-key" "Istio accepts the key and does nothing with it."
    // Of values of policies.
    InvalidWildcard "invalid-wildcard" "A * stands where it is no wildcard."
    InvalidTemplate "invalid-template" "A path template is malformed."
    InvalidAddress "invalid-address" "A text is neither an IP address nor a CIDR range."
    InvalidPort "invalid-port" "A text is not a port."
    InvalidServiceAccount "invalid-service-account" "A service account is neither NAME nor NAMESPACE/NAME."
    InvalidTrustDomain "invalid-trust-domain" "A trust domain has a slash, or a * where none may be."
    InvalidConditionKey "invalid-condition-key" "A key of a condition is malformed or unknown."
    RemovedConditionKey "removed-condition-key" "A key of a condition was taken out of Istio."
    ConflictingSource "conflicting-source" "serviceAccounts is set beside principals or namespaces."
    // Of policies.
    NoRules "no-rules" "A policy without rules would never match."
    ForbiddenWithCustom "forbidden-with-custom" "A CUSTOM policy uses an identity, which is not known yet when it runs."
    MissingProvider "missing-provider" "A CUSTOM policy does not name its provider."
    UnexpectedProvider "unexpected-provider" "A policy that is not CUSTOM names a provider."
    UnknownProvider "unknown-provider" "A CUSTOM policy names a provider that does not exist or cannot authorize."
    InvalidProvider "invalid-provider" "An extension provider is malformed."
    NotPossibleInWasm "not-possible-in-wasm" "Istio has the feature, but a Wasm filter cannot."
    DuplicateProvider "duplicate-provider" "Two extension providers have the same name."
    InvalidDryRun "invalid-dry-run" "The dry-run annotation is not a truth value, or the action has no dry run."
    DeniesAllTcp "denies-all-tcp" "A DENY rule without ports uses fields that only HTTP has."
    ApproximateAddress "approximate-address" "The address of the socket's peer is approximated by the effective one."
    PortLevelNeedsSelector "port-level-needs-selector" "portLevelMtls is set on a policy that selects no workload."
    // Of request authentication.
    MissingIssuer "missing-issuer" "A JWT rule names neither an issuer nor a jwksUri."
    ConflictingKeys "conflicting-keys" "A JWT rule has both jwks and jwksUri."
    InvalidJwks "invalid-jwks" "An inline key set cannot be used."
    PrivateKey "private-key" "An inline key set holds private keys."
    InvalidJwksUri "invalid-jwks-uri" "The keys of an issuer cannot be fetched from a URL or host."
    NoKeySource "no-key-source" "Nothing says where the keys of an issuer are."
    InvalidHeaderName "invalid-header-name" "A header is named that cannot be, or that a message cannot do without."
    // Of traffic.
    ConflictingFields "conflicting-fields" "Two fields are set that exclude each other."
    InvalidRegex "invalid-regex" "A regular expression, or what replaces its finds, cannot be used."
    InvalidHeaderValue "invalid-header-value" "A text that goes into a header has a character or a % that cannot be."
    InvalidHost "invalid-host" "A host or a subset has a name that DNS does not take."
    InvalidGateway "invalid-gateway" "A gateway is not named by its namespace and name."
    UnknownSubset "unknown-subset" "A route leads to a subset that no DestinationRule has."
    UnknownRoute "unknown-route" "A resource names a VirtualService or a route of it that is not there."
    Unreachable "unreachable" "No request can come to a route, for others before it take them all."
    Expired "expired" "The end of something is past, so that it is not in force."
    LeftToEnvoy "left-to-envoy" "The filter leaves it to Envoy's own configuration."
    // Of workloads.
    UnknownWorkload "unknown-workload" "Nobody says what the workload is: its namespace, or a waypoint's services."
}

impl DiagnosticCode {
    /// The code of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn names_are_kebab_case_and_unique() {
        for (number, code) in DiagnosticCode::ALL.iter().enumerate() {
            let name = code.name();
            let is_kebab = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(
                is_kebab && !name.starts_with('-') && !name.ends_with('-'),
                "{name}"
            );
            let first = DiagnosticCode::ALL
                .iter()
                .position(|other| other.name() == name);
            assert_eq!(first, Some(number), "{name}");
            assert_eq!(DiagnosticCode::from_name(name), Some(*code));
            assert!(code.title().ends_with('.'), "{name}");
        }
    }
}
