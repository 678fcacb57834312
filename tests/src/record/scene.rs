//! What is recorded: one scene for each recording.

use std::fmt;

use anyhow::Result;

use super::{
    accounts::Accounts,
    calls::{self, Planned},
    key_set,
};

/// The recordings that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// The mesh calls the payment service.
    PaymentService,
    /// The same service, called with tokens.
    PaymentServiceJwt,
}

impl Name {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::PaymentService, Self::PaymentServiceJwt];
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PaymentService => "payment-service",
            Self::PaymentServiceJwt => "payment-service-jwt",
        })
    }
}

/// One recording to be.
pub struct Scene {
    /// Which.
    pub name: Name,
    /// For people, in the header of the recording.
    pub description: &'static str,
    /// What is called.
    pub plan: Vec<Planned>,
    /// Whether some of what Envoy wrote is kept as it is, for tests of the importers.
    pub keeps_sample: bool,
    /// Whether the recording says that no filter left dynamic metadata: a tap does not tell,
    /// and who asks for claims would not know that native Envoy found none.
    pub denies_metadata: bool,
    /// Another file beside the recording: its name and its text.
    pub beside: Option<(String, String)>,
}

impl Scene {
    /// Sets the scene; tokens are issued now.
    ///
    /// # Errors
    /// When tokens are needed and the identity provider does not issue them.
    pub fn set(name: Name) -> Result<Self> {
        match name {
            Name::PaymentService => Ok(Self {
                name,
                description: "the payment service behind Envoy's tap filter and mutual TLS; nothing was refused while recording",
                plan: calls::plan(),
                keeps_sample: true,
                denies_metadata: false,
                beside: None,
            }),
            Name::PaymentServiceJwt => with_tokens(name),
        }
    }

    /// File name of the recording.
    #[must_use]
    pub fn recording(&self) -> String {
        format!("{}.jsonl", self.name)
    }

    /// What the call at `index` is known by: see [`request_id`].
    #[must_use]
    pub fn request_id(&self, index: usize) -> String {
        request_id(self.name, index)
    }
}

fn with_tokens(name: Name) -> Result<Scene> {
    let accounts = Accounts::open()?;
    let text = key_set::callouts(name, &accounts.key_set)?;
    Ok(Scene {
        name,
        description: "the payment service called with tokens of an OpenID provider, good and bad; nothing was refused while recording",
        plan: calls::tokens::plan(&accounts),
        keeps_sample: false,
        denies_metadata: true,
        beside: Some((format!("{name}-callouts.yaml"), text)),
    })
}

/// In the form of a UUID, since Envoy writes over what is not one; the same in every
/// recording, and another in each scene.
#[must_use]
pub fn request_id(name: Name, index: usize) -> String {
    let family = match name {
        Name::PaymentService => "cafe",
        Name::PaymentServiceJwt => "f00d",
    };
    format!("{index:08x}-51c1-4e00-8000-00000000{family}")
}
