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
