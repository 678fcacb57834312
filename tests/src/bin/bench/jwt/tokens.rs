//! Tokens that were minted beforehand, and the script that sends them.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use sluice_tests::tokens::{self, Signer};
use tempfile::TempDir;

const ISSUER: &str = "https://accounts.bench.test";
const AUDIENCE: &str = "bench";
/// 2100.
const EXPIRY_S: u64 = 4_102_444_800;

/// Tokens of one issuer, each unlike the others.
pub struct Tokens {
    signer: Signer,
    tokens: Vec<String>,
    folder: TempDir,
}

impl Tokens {
    /// Mints so many with RS256 and a key of 2,048 bits.
    pub fn mint(count: usize) -> Result<Self> {
        eprintln!("minting {count} tokens");
        let signer = Signer::rs256().map_err(|error| anyhow!(error))?;
        let tokens: Result<_, String> = (0..count).map(|number| mint(&signer, number)).collect();
        Ok(Self {
            signer,
            tokens: tokens.map_err(|error| anyhow!(error))?,
            folder: TempDir::new()?,
        })
    }

    /// The rule that takes them.
    pub fn rule(&self) -> Value {
        let mut key = self.signer.jwk();
        if let Value::Object(fields) = &mut key {
            fields.extend([
                ("kid".to_owned(), json!("bench")),
                ("alg".to_owned(), json!("RS256")),
            ]);
        }
        json!({"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": tokens::key_set([key])})
    }

    /// A script for wrk that sends the first `count` in turn. The requests are made before
    /// the first is sent: wrk shares the machine with the Envoy that is measured.
    pub fn script(&self, count: usize) -> Result<PathBuf> {
        let mut lua = String::from("local requests = {}\ninit = function()\n");
        let list = self.folder.path().join(format!("{count}.txt"));
        writeln!(lua, "  for token in io.lines({list:?}) do")?;
        lua.push_str(
            "    local headers = {Authorization = 'Bearer ' .. token}\n\
             \x20   requests[#requests + 1] = wrk.format('GET', '/v1/charges', headers)\n\
             \x20 end\nend\n\
             local last = 0\n\
             request = function()\n\
             \x20 last = last % #requests + 1\n\
             \x20 return requests[last]\nend\n",
        );
        let tokens = self.tokens.get(..count).context("too few tokens")?;
        fs::write(&list, tokens.join("\n"))?;
        let script = self.folder.path().join(format!("{count}.lua"));
        fs::write(&script, lua)?;
        Ok(script)
    }
}

/// Claims of the size that providers issue.
fn mint(signer: &Signer, number: usize) -> Result<String, String> {
    let header = json!({"alg": "RS256", "kid": "bench", "typ": "JWT"});
    let claims = json!({
        "iss": ISSUER,
        "sub": format!("user-{:05}", number % 500),
        "aud": [AUDIENCE, "https://accounts.bench.test/userinfo"],
        "iat": 1_700_000_000,
        "exp": EXPIRY_S,
        "azp": "order-service",
        "scope": "openid profile read write",
        "jti": format!("token-{number:08}"),
    });
    tokens::mint(signer, &header, &claims)
}
