//! `verify_signature` and `sign`. Envoy does them with BoringSSL's
//! `EVP_DigestVerify` and `EVP_DigestSign`: RSA as PKCS #1 v1.5, ECDSA with
//! DER signatures.

mod keys;

use crate::protobuf::{self, Field};
use crate::status::Status;
use crate::worker::{Place, Worker};
use keys::{Hash, PrivateKey, PublicKey};

/// Fields that both argument messages share, with their numbers:
/// `VerifySignatureArguments` (hash 1, key 2, signature 3, text 4, PEM key 5)
/// and `SignArguments` (hash 1, key 2, text 3, PEM key 4).
#[derive(Default)]
struct Arguments<'a> {
    fields: [&'a [u8]; 6],
}

impl<'a> Arguments<'a> {
    fn parse(message: &'a [u8]) -> Option<Self> {
        let mut arguments = Self::default();
        for (number, field) in protobuf::fields(message)? {
            let slot = usize::try_from(number)
                .ok()
                .and_then(|number| arguments.fields.get_mut(number));
            if let (Some(slot), Field::Bytes(bytes)) = (slot, field) {
                *slot = bytes;
            }
        }
        Some(arguments)
    }

    fn get(&self, number: usize) -> &'a [u8] {
        self.fields.get(number).copied().unwrap_or_default()
    }
}

/// The DER form of a key of which exactly one form must be given.
fn key_der(der: &[u8], pem: &[u8]) -> Option<Vec<u8>> {
    match (der.is_empty(), pem.is_empty()) {
        (false, true) => Some(der.to_vec()),
        (true, false) => keys::pem_to_der(pem),
        _ => None,
    }
}

pub(super) fn verify_signature(
    _: &mut Worker,
    _: Place,
    argument: &[u8],
) -> Result<Vec<u8>, Status> {
    let arguments = Arguments::parse(argument).ok_or(Status::BadArgument)?;
    let der = key_der(arguments.get(2), arguments.get(5)).ok_or(Status::BadArgument)?;
    let key = PublicKey::from_der(&der).ok_or(Status::BadArgument)?;
    let (signature, text) = (arguments.get(3), arguments.get(4));
    let error = match Hash::named(arguments.get(1)) {
        None => unknown_hash(arguments.get(1)),
        Some(hash) if key.verify(hash, text, signature) => String::new(),
        Some(_) => "Failed to verify digital signature. Error code: 0".to_owned(),
    };
    Ok(verdict(error.is_empty(), &error))
}

fn unknown_hash(name: &[u8]) -> String {
    format!("{} is not supported.", String::from_utf8_lossy(name))
}

/// `VerifySignatureResult`: result 1, error 2. Defaults are left out.
fn verdict(result: bool, error: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if result {
        protobuf::put_number(&mut out, 1, 1);
    }
    if !error.is_empty() {
        protobuf::put_bytes(&mut out, 2, error.as_bytes());
    }
    out
}

/// `SignResult`: result 1, signature 2, error 3.
pub(super) fn sign(_: &mut Worker, _: Place, argument: &[u8]) -> Result<Vec<u8>, Status> {
    let arguments = Arguments::parse(argument).ok_or(Status::BadArgument)?;
    let der = key_der(arguments.get(2), arguments.get(4)).ok_or(Status::BadArgument)?;
    let key = PrivateKey::from_der(&der).ok_or(Status::BadArgument)?;
    let mut out = Vec::new();
    let Some(hash) = Hash::named(arguments.get(1)) else {
        protobuf::put_bytes(&mut out, 3, unknown_hash(arguments.get(1)).as_bytes());
        return Ok(out);
    };
    match key.sign(hash, arguments.get(3)) {
        Some(signature) => {
            protobuf::put_number(&mut out, 1, 1);
            protobuf::put_bytes(&mut out, 2, &signature);
        }
        None => protobuf::put_bytes(
            &mut out,
            3,
            b"Failed to create digital signature. Error code: 0",
        ),
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    /// `SubjectPublicKeyInfo` of a P-256 key up to its point (RFC 5480 §2).
    const P256_INFO: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

    fn message(fields: &[(u64, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            protobuf::put_bytes(&mut out, *number, bytes);
        }
        out
    }

    /// A private key, its public key, and a signature of `text` by way of the
    /// foreign function.
    fn signed(text: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let random = SystemRandom::new();
        let private =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, private.as_ref(), &random)
                .unwrap();
        let public = [P256_INFO, pair.public_key().as_ref()].concat();
        let argument = message(&[(1, b"sha256"), (2, private.as_ref()), (3, text)]);
        let result = sign(&mut Worker::default(), Place::default(), &argument).unwrap();
        let signature =
            protobuf::fields(&result)
                .unwrap()
                .into_iter()
                .find_map(|field| match field {
                    (2, Field::Bytes(bytes)) => Some(bytes.to_vec()),
                    _ => None,
                });
        (public, signature.unwrap())
    }

    fn verifies(hash: &[u8], public: &[u8], signature: &[u8], text: &[u8]) -> bool {
        let argument = message(&[(1, hash), (2, public), (3, signature), (4, text)]);
        let result = verify_signature(&mut Worker::default(), Place::default(), &argument).unwrap();
        protobuf::fields(&result)
            .unwrap()
            .contains(&(1, Field::Number(1)))
    }

    #[test]
    fn what_is_signed_verifies_and_no_flipped_bit_does() {
        let (public, signature) = signed(b"text");
        assert!(verifies(b"sha256", &public, &signature, b"text"));
        assert!(verifies(b"SHA256", &public, &signature, b"text"));
        assert!(!verifies(b"sha384", &public, &signature, b"text"));
        assert!(!verifies(b"md5", &public, &signature, b"text"));
        assert!(!verifies(b"sha256", &public, &signature, b"tezt"));
        for index in 0..signature.len() {
            let mut flipped = signature.clone();
            flipped[index] ^= 1;
            assert!(
                !verifies(b"sha256", &public, &flipped, b"text"),
                "byte {index}"
            );
        }
    }

    #[test]
    fn a_key_is_given_once_as_der_or_pem() {
        use base64::Engine;
        let (public, signature) = signed(b"t");
        let encoded = base64::engine::general_purpose::STANDARD.encode(&public);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n");
        let verify = |fields: &[(u64, &[u8])]| {
            let argument =
                message(&[fields, &[(1, b"sha256"), (3, &signature), (4, b"t")]].concat());
            verify_signature(&mut Worker::default(), Place::default(), &argument)
        };
        assert_eq!(verify(&[(5, pem.as_bytes())]), Ok(vec![8, 1]));
        assert_eq!(
            verify(&[(2, &public), (5, pem.as_bytes())]),
            Err(Status::BadArgument)
        );
        assert_eq!(verify(&[]), Err(Status::BadArgument));
        assert_eq!(verify(&[(2, b"no key")]), Err(Status::BadArgument));
    }
}
