//! Signature algorithms (RFC 7518 section 3.1, RFC 8037) and the keys they take.

/// Kind of a key: `kty` and `crv` of a JWK in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// `RSA`.
    Rsa,
    /// `EC` on P-256.
    P256,
    /// `EC` on P-384.
    P384,
    /// `EC` on P-521.
    P521,
    /// `OKP` on Ed25519.
    Ed25519,
    /// `oct`.
    Symmetric,
}

impl KeyType {
    /// Bytes of one coordinate of a point on the curve, which are also those of each
    /// of the two numbers of a signature; `None` if the key is not of ECDSA.
    pub const fn coordinate_bytes(self) -> Option<usize> {
        match self {
            Self::P256 => Some(32),
            Self::P384 => Some(48),
            Self::P521 => Some(66),
            Self::Rsa | Self::Ed25519 | Self::Symmetric => None,
        }
    }
}

/// Declares the algorithms in one table: variant and name, key type.
macro_rules! algorithms {
    ($($variant:ident $name:literal $key:ident)*) => {
        /// An algorithm that a token may be signed with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Algorithm {
            $(#[doc = $name] $variant,)*
        }

        impl Algorithm {
            /// Every algorithm, in the order of the enum.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in `alg`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The only kind of key it may be used with.
            pub const fn key_type(self) -> KeyType {
                match self {
                    $(Self::$variant => KeyType::$key,)*
                }
            }
        }
    };
}

algorithms! {
    Rs256 "RS256" Rsa
    Rs384 "RS384" Rsa
    Rs512 "RS512" Rsa
    Ps256 "PS256" Rsa
    Ps384 "PS384" Rsa
    Ps512 "PS512" Rsa
    Es256 "ES256" P256
    Es384 "ES384" P384
    Es512 "ES512" P521
    EdDsa "EdDSA" Ed25519
    Hs256 "HS256" Symmetric
    Hs384 "HS384" Symmetric
    Hs512 "HS512" Symmetric
}

impl Algorithm {
    /// The algorithm of that name; `none` and unknown names are none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Whether it is ECDSA.
    pub const fn is_ecdsa(self) -> bool {
        self.key_type().coordinate_bytes().is_some()
    }

    /// The shortest key it may be used with, in bytes, where that is a secret
    /// (RFC 7518 section 3.2).
    pub const fn least_secret_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 0,
        }
    }
}
