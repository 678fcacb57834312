//! What the engine asks of others while it decides.

use std::rc::Rc;

use crate::cache::{TokenCache, Verdicts};
use crate::grant::Memo;
use crate::jwks::KeySet;
use crate::key_source::SourceId;
use crate::status::Status;
use crate::token::Token;

/// The keys of a source, as far as they are there.
#[derive(Debug, Clone)]
pub enum Keys {
    /// These.
    Ready(Rc<KeySet>),
    /// They are being fetched for the first time.
    Pending,
    /// There are none, for that reason.
    Failed(Status),
}

/// A token that was parsed, with what the engine made of it.
///
/// Whoever remembers tokens keeps both together: [`Memo`] saves the work that a token
/// takes whenever it comes. It belongs to one [`Program`](crate::Program), so that a
/// new configuration starts without memories.
#[derive(Debug, Clone)]
pub struct Recalled {
    /// The token.
    pub token: Rc<Token>,
    /// What rules make of it.
    pub memo: Rc<Memo>,
    /// What keys are known to have said about it.
    pub verdicts: Verdicts,
}

impl TokenCache<Recalled> {
    /// What is known of a token, for [`World::recall`].
    pub fn recalled(&mut self, token: &[u8], now_s: u64) -> Option<Recalled> {
        let known = self.recall(token, now_s)?;
        Some(Recalled {
            verdicts: known.verdicts.clone(),
            ..known.value.clone()
        })
    }
}

/// The memory and the keys of the filter.
pub trait World {
    /// What is remembered of the token with exactly these bytes. It says nothing about
    /// whether the token is to be believed: [`verify`](Self::verify) is asked about
    /// every token of every request.
    fn recall(&mut self, token: &[u8]) -> Option<Recalled>;

    /// Any token that came before: the next one is likely to begin like it.
    fn previous(&self) -> Option<Rc<Token>> {
        None
    }

    /// The keys of a source.
    fn keys(&mut self, source: SourceId) -> Keys;

    /// Whether one of the keys signed the token. The place to remember both the
    /// token and the answer, until the keys of the source change.
    ///
    /// # Errors
    ///
    /// [`Status::NoMatchingKey`] or [`Status::VerificationFailed`].
    fn verify(&mut self, token: &Recalled, source: SourceId, keys: &KeySet) -> Result<(), Status>;

    /// Called for a token whose key the source does not have. True if the keys are
    /// being fetched anew, which the request is to wait for.
    fn unknown_key(&mut self, source: SourceId, key_id: &str) -> bool;
}
