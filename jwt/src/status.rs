//! Why a token is refused: the texts of Envoy's JWT filter, which are what the
//! client reads in the body.

/// Declares the statuses in one table: variant, text.
macro_rules! statuses {
    ($($variant:ident $text:literal)*) => {
        /// Why a token is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Status {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl Status {
            /// Every status, in the order of the enum.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The body of the refusal.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

statuses! {
    Missing "Jwt is missing"
    // Ours, of the filter and the host: nobody looked at a token.
    Unconfigured "Jwt filter has no valid configuration"
    Unreadable "Request cannot be read"
    // Of the form.
    // Ours: Envoy has no limit besides that of all headers together.
    TokenTooLarge "Jwt is too large"
    BadFormat "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
    HeaderBadBase64 "Jwt header is an invalid Base64url encoded"
    HeaderBadJson "Jwt header is an invalid JSON"
    HeaderBadAlgorithm "Jwt header [alg] field is required and must be a string"
    HeaderAlgorithmNotSupported "Jwt header [alg] is not supported"
    HeaderBadKeyId "Jwt header [kid] field is not a string"
    // Ours: Envoy ignores the field.
    HeaderCritical "Jwt header [crit] is not supported"
    PayloadBadBase64 "Jwt payload is an invalid Base64url encoded"
    PayloadBadJson "Jwt payload is an invalid JSON"
    BadIssuer "Jwt payload [iss] field is not a string"
    BadSubject "Jwt payload [sub] field is not a string"
    BadTokenId "Jwt payload [jti] field is not a string"
    IssuedAtNotInteger "Jwt payload [iat] field is not an integer"
    IssuedAtOutOfRange "Jwt payload [iat] field is not a positive 64 bit integer"
    NotBeforeNotInteger "Jwt payload [nbf] field is not an integer"
    NotBeforeOutOfRange "Jwt payload [nbf] field is not a positive 64 bit integer"
    ExpiryNotInteger "Jwt payload [exp] field is not an integer"
    ExpiryOutOfRange "Jwt payload [exp] field is not a positive 64 bit integer"
    BadAudience "Jwt payload [aud] field is not a string or string list"
    SignatureBadBase64 "Jwt signature is an invalid Base64url encoded"
    SignatureWrongLength "Jwt ED25519 signature is wrong length"
    // Of what it claims.
    UnknownIssuer "Jwt issuer is not configured"
    NotYetValid "Jwt not yet valid"
    Expired "Jwt is expired"
    AudienceNotAllowed "Audiences in Jwt are not allowed"
    // Ours: Envoy breaks off such a request when it sends it.
    ClaimNotSendable "Jwt claim has a character that no header may have"
    // Of the keys.
    FetchFailed "Jwks remote fetch is failed"
    NoValidKey "Jwks doesn't have any valid public key"
    JwksBadJson "Jwks is an invalid JSON"
    JwksNoKeys "Jwks does not have [keys] field"
    JwksKeysNotList "[keys] in Jwks is not an array"
    // Ours: Envoy has no limit.
    JwksTooLarge "Jwks is too large"
    NoMatchingKey "Jwks doesn't have key to match kid or alg from Jwt"
    VerificationFailed "Jwt verification fails"
    // Of one key, for which it is left out of its set.
    KeyMissingType "[kty] is missing in [keys]"
    KeyBadType "[kty] is bad in [keys]"
    KeyTypeNotSupported "[kty] is not supported in [keys]"
    RsaBadAlgorithm "[alg] is not started with [RS] or [PS] for an RSA key"
    RsaMissingModulus "[n] field is missing for a RSA key"
    RsaBadModulus "[n] field is not string for a RSA key"
    RsaMissingExponent "[e] field is missing for a RSA key"
    RsaBadExponent "[e] field is not string for a RSA key"
    RsaInvalid "Jwks RSA [n] or [e] field is missing or has a parse error"
    EcBadAlgorithm "[alg] is not started with [ES] for an EC key"
    EcBadCurve "[crv] field is not string for an EC key"
    EcNotSupported "[crv] or [alg] field is not supported for an EC key"
    EcAlgorithmOfOtherCurve "[crv] field specified is not compatible with [alg] for an EC key"
    EcMissingX "[x] field is missing for an EC key"
    EcBadX "[x] field is not string for an EC key"
    EcMissingY "[y] field is missing for an EC key"
    EcBadY "[y] field is not string for an EC key"
    EcBadBase64 "Jwks EC [x] or [y] field is an invalid Base64."
    EcInvalid "Jwks EC [x] and [y] fields have a parse error."
    OctBadAlgorithm "[alg] does not start with [HS] for an HMAC key"
    OctMissingKey "[k] field is missing for an HMAC key"
    OctBadKey "[k] field is not string for an HMAC key"
    OctBadBase64 "Jwks Oct key is an invalid Base64"
    OkpBadAlgorithm "[alg] is not [EdDSA] for an OKP key"
    OkpMissingCurve "[crv] field is missing for an OKP key"
    OkpBadCurve "[crv] field is not string for an OKP key"
    OkpNotSupported "[crv] field is not supported for an OKP key"
    OkpMissingX "[x] field is missing for an OKP key"
    OkpBadX "[x] field is not string for an OKP key"
    OkpBadBase64 "Jwks OKP [x] field is an invalid Base64."
    OkpWrongLength "Jwks OKP [x] field is wrong length."
    CertificateInvalid "X509 parse pubkey fails"
    CertificateOfOtherKey "X509 parse pubkey internal fails: get pubkey"
    // The same, ours: Envoy takes such keys.
    KeyBadId "[kid] field is not a string in [keys]"
    KeyBadAlgorithm "[alg] field is not a string in [keys]"
    KeyNotForSignatures "[use] or [key_ops] does not allow to verify signatures in [keys]"
    KeyAmbiguous "[kid] is that of two different keys in [keys]"
    RsaTooSmall "[n] field has less than 2048 bits for a RSA key"
    RsaTooLarge "[n] field has more than 8192 bits for a RSA key"
    RsaWeak "[n] field is of a broken generator (ROCA) for a RSA key"
    OctTooShort "[k] field is shorter than the hash for an HMAC key"
    OctBesidePublic "HMAC key is beside public keys in [keys]"
}

impl Status {
    /// HTTP status of the refusal.
    pub const fn http(self) -> u16 {
        match self {
            Self::AudienceNotAllowed => 403,
            _ => 401,
        }
    }
}
