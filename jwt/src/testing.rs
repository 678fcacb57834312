//! For tests and fuzz targets: keys to sign with, and a host to verify with.

mod host;
#[cfg(not(target_arch = "wasm32"))]
mod signer;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod strictness;
#[cfg(test)]
mod vectors;

use crate::base64url;
use crate::host_crypto::HostCrypto;
use crate::jwks::KeySet;
use crate::jws::Jws;
use crate::status::Status;
use crate::token::Header;
use crate::verify::{Tier, verify_jws};

pub use host::RingHost;
#[cfg(not(target_arch = "wasm32"))]
pub use signer::Signer;

/// Verifies a JWS whatever its payload is: published vectors sign texts and even
/// nothing, which no token holds.
pub fn verify_signature(
    text: &[u8],
    keys: &KeySet,
    host: &mut dyn HostCrypto,
) -> (Result<(), Status>, Option<Tier>) {
    match parts(text) {
        Err(status) => (Err(status), None),
        Ok((header, signed, signature)) => {
            let jws = Jws {
                algorithm: header.algorithm,
                key_id: &header.key_id,
                signed,
                signature: &signature,
            };
            verify_jws(&jws, keys, host)
        }
    }
}

/// The header, what is signed, and the signature.
fn parts(text: &[u8]) -> Result<(Header, &[u8], Vec<u8>), Status> {
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err(Status::BadFormat);
    };
    let signed = text.get(..header.len() + 1 + payload.len());
    base64url::decode(payload).ok_or(Status::PayloadBadBase64)?;
    Ok((
        Header::parse(header)?,
        signed.unwrap_or_default(),
        base64url::decode(signature).ok_or(Status::SignatureBadBase64)?,
    ))
}
