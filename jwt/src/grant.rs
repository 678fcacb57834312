//! What a rule makes of a token that it believes: headers for the upstream, and the
//! identity. Made once for each token and rule.

use std::cell::RefCell;
use std::rc::Rc;

use crate::claims::{self, Unsendable};
use crate::outcome::Identity;
use crate::program::{NameId, Rule};
use crate::token::Token;

/// What a rule makes of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) headers: Vec<(NameId, Rc<[u8]>)>,
    pub(crate) identity: Rc<Identity>,
}

/// A grant, or that there can be none.
type Made = Result<Rc<Grant>, Unsendable>;

/// What rules, by their numbers, made of one token so far.
#[derive(Debug, Default)]
pub struct Memo(RefCell<Vec<(usize, Made)>>);

impl Memo {
    /// What the rule of that number makes of the token.
    pub(crate) fn grant(&self, number: usize, rule: &Rule, token: &Token) -> Made {
        let known = self.0.borrow();
        if let Some((_, grant)) = known.iter().find(|(known, _)| *known == number) {
            return grant.clone();
        }
        drop(known);
        let grant = Grant::new(rule, token).map(Rc::new);
        self.0.borrow_mut().push((number, grant.clone()));
        grant
    }
}

impl Grant {
    fn new(rule: &Rule, token: &Token) -> Result<Self, Unsendable> {
        let payload = || token.payload_segment().into();
        let mut headers: Vec<(NameId, Rc<[u8]>)> = rule
            .payload_header
            .map(|name| (name, payload()))
            .into_iter()
            .collect();
        if !rule.claim_headers.is_empty() {
            let claims = token.claims();
            for (name, path) in &rule.claim_headers {
                if let Some(value) = claims::header_value(&claims, path)? {
                    headers.push((*name, value.into()));
                }
            }
        }
        let json = claims::metadata_json(token, &rule.space_delimited);
        Ok(Self {
            headers,
            identity: Rc::new(Identity {
                issuer: Rc::clone(&rule.issuer),
                principal: principal(token),
                json,
            }),
        })
    }
}

fn principal(token: &Token) -> Option<String> {
    let (issuer, subject) = (token.issuer(), token.subject());
    let is_whole = !issuer.is_empty() && !subject.is_empty();
    is_whole.then(|| [issuer, "/", subject].concat())
}
