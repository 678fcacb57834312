//! What a host can do for us: Envoy's foreign function `verify_signature`, which is
//! BoringSSL and so eight times as fast as any code inside of the VM.

use sluice_policy::protobuf::Message;

use crate::algorithm::Algorithm;
use crate::der;

/// The host's cryptography.
pub trait HostCrypto {
    /// Calls the foreign function `verify_signature` with a serialised
    /// `VerifySignatureArguments`; returns what its `VerifySignatureResult` says.
    ///
    /// `None` when the host has no such function or cannot use such a key: then the
    /// signature is verified in the VM.
    fn verify_signature(&mut self, arguments: &[u8]) -> Option<bool>;
}

/// A host without cryptography.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHostCrypto;

impl HostCrypto for NoHostCrypto {
    fn verify_signature(&mut self, _: &[u8]) -> Option<bool> {
        None
    }
}

/// Fields of `VerifySignatureArguments`.
const HASH_FUNCTION: u8 = 1;
const PUBLIC_KEY: u8 = 2;
const SIGNATURE: u8 = 3;
const TEXT: u8 = 4;

/// More than names and sizes of the fields take, the name of the digest, and what DER adds
/// to a signature.
const MOST_BYTES_BESIDES: usize = 64;

/// Digest of the algorithms that the host can verify. Its padding is always that of
/// PKCS #1 v1.5, and it always wants a digest, so PS*, EdDSA and HS* are none.
fn hash(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => Some("sha256"),
        Algorithm::Rs384 | Algorithm::Es384 => Some("sha384"),
        Algorithm::Rs512 | Algorithm::Es512 => Some("sha512"),
        _ => None,
    }
}

/// Whether the signature is that of the text; `None` if the host cannot say.
/// `public_key` is a `SubjectPublicKeyInfo`.
pub(crate) fn verify(
    host: &mut dyn HostCrypto,
    algorithm: Algorithm,
    public_key: &[u8],
    text: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let hash = hash(algorithm)?;
    let room = public_key.len() + signature.len() + text.len() + MOST_BYTES_BESIDES;
    let mut arguments = Message::with_capacity(room);
    arguments.bytes(HASH_FUNCTION, hash.as_bytes());
    arguments.bytes(PUBLIC_KEY, public_key);
    if algorithm.is_ecdsa() {
        arguments.bytes(SIGNATURE, &der::ecdsa_signature(signature));
    } else {
        arguments.bytes(SIGNATURE, signature);
    }
    arguments.bytes(TEXT, text);
    host.verify_signature(&arguments.into_bytes())
}
