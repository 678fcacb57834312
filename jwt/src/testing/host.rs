//! A host that has Envoy's `verify_signature`.

use ring::signature as ring_signature;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use sluice_policy::protobuf;

use crate::der::{BIT_STRING, Reader, SEQUENCE};
use crate::host_crypto::HostCrypto;

/// Does what Envoy does with BoringSSL, on ring and p521: the key is a
/// `SubjectPublicKeyInfo`, an ECDSA signature is DER. Like a host it knows nothing but
/// the arguments.
#[derive(Debug, Clone, Default)]
pub struct RingHost {
    /// How often it was called.
    pub calls: usize,
    /// What it was called with last.
    pub arguments: Vec<u8>,
}

impl HostCrypto for RingHost {
    fn verify_signature(&mut self, arguments: &[u8]) -> Option<bool> {
        self.calls += 1;
        self.arguments = arguments.to_vec();
        let mut fields: [&[u8]; 6] = [&[]; 6];
        protobuf::read(arguments, &mut |number, value| {
            *fields.get_mut(usize::try_from(number).ok()?)? = value.bytes()?;
            Some(())
        })?;
        let [_, hash, key, signature, text, _] = fields;
        let (identifier, key) = public_key(key)?;
        if (identifier, hash) == (P521, b"sha512") {
            return Some(is_of_p521(key, text, signature));
        }
        let key = UnparsedPublicKey::new(algorithm(identifier, hash)?, key);
        Some(key.verify(text, signature).is_ok())
    }
}

fn is_of_p521(key: &[u8], text: &[u8], signature: &[u8]) -> bool {
    use p521::ecdsa::{DerSignature, Signature, VerifyingKey, signature::Verifier as _};
    let key = VerifyingKey::from_sec1_bytes(key);
    let signature = DerSignature::from_bytes(signature).and_then(Signature::try_from);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(text, &signature).is_ok())
}

/// Object identifiers of `rsaEncryption` and, with its curve, `id-ecPublicKey`.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";

const P521: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23";

/// What the key is for, and the key.
fn public_key(info: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = Reader::new(Reader::new(info).read(SEQUENCE)?);
    let identifier = info.read(SEQUENCE)?;
    let key = info.read(BIT_STRING)?.strip_prefix(&[0])?;
    Some((identifier, key))
}

fn algorithm(identifier: &[u8], hash: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (identifier, hash) {
        (RSA, b"sha256") => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
        (RSA, b"sha384") => &ring_signature::RSA_PKCS1_2048_8192_SHA384,
        (RSA, b"sha512") => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
        (P256, b"sha256") => &ring_signature::ECDSA_P256_SHA256_ASN1,
        (P384, b"sha384") => &ring_signature::ECDSA_P384_SHA384_ASN1,
        _ => return None,
    })
}
