//! What the engine sees while it judges one request.

use std::cell::Cell;
use std::rc::Rc;

use sluice_adapter::{Host, HostError};
use sluice_jwt::{HostCrypto, KeySet, Keys, Recalled, SourceId, Status, Token, World, verify};
use sluice_policy::protobuf;

use crate::keyring::Keyring;
use crate::report::{Report, VerifiedBy};

/// Envoy's foreign function.
const VERIFY_SIGNATURE: &str = "verify_signature";

thread_local! {
    /// Whether the host has it, as far as is known. It is the same for all plugins of
    /// this VM, and it stays so.
    static HOST_VERIFIES: Cell<bool> = const { Cell::new(true) };
}

/// Memory, keys and cryptography, at one moment.
pub struct Session<'s, 'cb> {
    /// The host.
    pub host: Host<'cb>,
    /// Keys and tokens.
    pub keyring: &'s mut Keyring,
    /// What is counted.
    pub report: &'s mut Report,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
}

impl World for Session<'_, '_> {
    fn recall(&mut self, token: &[u8]) -> Option<Recalled> {
        self.keyring.recall(token, self.now_ms / 1_000)
    }

    fn previous(&self) -> Option<Rc<Token>> {
        self.keyring.previous()
    }

    fn keys(&mut self, source: SourceId) -> Keys {
        self.keyring.keys(source)
    }

    fn verify(&mut self, token: &Recalled, source: SourceId, keys: &KeySet) -> Result<(), Status> {
        if let Some(result) = self.keyring.verdict(token, source) {
            self.report.verified(self.host, VerifiedBy::Memory);
            return result;
        }
        let (result, tier) = verify(&token.token, keys, &mut Crypto(self.host));
        if let Some(tier) = tier {
            self.report.verified(self.host, VerifiedBy::Tier(tier));
        }
        self.keyring.remember(token, source, result);
        result
    }

    fn unknown_key(&mut self, source: SourceId, key_id: &str) -> bool {
        self.keyring.unknown_key(source, key_id, self.now_ms)
    }
}

/// The host's cryptography, where it has any.
struct Crypto<'cb>(Host<'cb>);

impl HostCrypto for Crypto<'_> {
    fn verify_signature(&mut self, arguments: &[u8]) -> Option<bool> {
        if !HOST_VERIFIES.get() {
            return None;
        }
        match self.0.call_foreign_function(VERIFY_SIGNATURE, arguments) {
            Ok(result) => is_verified(result),
            Err(HostError::NotFound) => {
                HOST_VERIFIES.set(false);
                None
            }
            // A key that the host cannot use, perhaps: it stays with this one.
            Err(HostError::Failed(_)) => None,
        }
    }
}

/// Field 1 of Envoy's `VerifySignatureResult`. Left out when it is false, as protobuf
/// does; no message at all is an answer that cannot be read.
fn is_verified(result: &[u8]) -> Option<bool> {
    let mut is_verified = false;
    protobuf::read(result, &mut |field, value| {
        if field == 1 {
            is_verified = value.boolean()?;
        }
        Some(())
    })?;
    Some(is_verified)
}

#[cfg(test)]
mod tests {
    use super::is_verified;

    #[test]
    fn a_result_is_true_only_if_it_says_so() {
        assert_eq!(is_verified(&[0x08, 1]), Some(true));
        assert_eq!(is_verified(&[0x08, 0]), Some(false));
        assert_eq!(is_verified(&[]), Some(false));
        assert_eq!(is_verified(b"\x12\x03bad"), Some(false));
        assert_eq!(is_verified(&[0x08]), None);
    }
}
