//! Why a token is refused: the texts of Envoy's JWT filter, which are what the
//! client reads in the body.

/// Declares the statuses in one table: variant, text.
macro_rules! statuses {
    ($($variant:ident $text:literal)*) => {
        /// Why a token is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Status {
            $(#[doc = $text] $variant,)*
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
    // Of the form.
    BadFormat "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
    HeaderBadBase64 "Jwt header is an invalid Base64url encoded"
    HeaderBadJson "Jwt header is an invalid JSON"
    HeaderBadAlgorithm "Jwt header [alg] field is required and must be a string"
    HeaderAlgorithmNotSupported "Jwt header [alg] is not supported"
    HeaderBadKeyId "Jwt header [kid] field is not a string"
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
    // Of the keys.
    FetchFailed "Jwks remote fetch is failed"
    NoValidKey "Jwks doesn't have any valid public key"
    JwksBadJson "Jwks is an invalid JSON"
    JwksNoKeys "Jwks does not have [keys] field"
    JwksKeysNotList "[keys] in Jwks is not an array"
    NoMatchingKey "Jwks doesn't have key to match kid or alg from Jwt"
    VerificationFailed "Jwt verification fails"
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
