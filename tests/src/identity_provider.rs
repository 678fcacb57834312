//! A real OpenID provider: `oidc-provider` for Node.js, which signs JWT access tokens,
//! publishes its keys and changes them when told to.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_envoy::binary::{target_dir, workspace_dir};
use sluice_envoy::client::{Client, Protocol, Request, Response, Target};

/// What it signs with.
pub const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
/// `aud` of its tokens.
pub const AUDIENCE: &str = "payments";
/// `sub` of its tokens: the client that asks for them.
pub const SUBJECT: &str = "order-service";

/// As in `server.mjs`.
const SECRET: &str = "a-secret-of-the-tests";

/// What a client asks a token for.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// Who asks, one of the clients in `server.mjs`: `sub` of the token.
    pub client: &'a str,
    /// `aud` of the token.
    pub audience: &'a str,
    /// One of [`ALGORITHMS`].
    pub algorithm: &'a str,
    /// `read`, `write` or both.
    pub scope: &'a str,
}

/// A running provider; dropping it ends it.
pub struct IdentityProvider {
    process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    issuer: String,
    port: u16,
    client: Client,
}

impl IdentityProvider {
    /// Starts one on a port of its own, which goes by the URL `name`, or by that port of
    /// the host `name`.
    ///
    /// # Errors
    /// Node.js or the package is missing: `cargo xtask setup tools` fetches it.
    pub fn start(name: &str) -> Result<Self> {
        let mut process = command(name)?.spawn().context(
            "`node` cannot be started; `cargo xtask setup packages` installs or names it",
        )?;
        let commands = process
            .stdin
            .take()
            .context("standard input was asked for")?;
        let answers = process
            .stdout
            .take()
            .context("standard output was asked for")?;
        let mut provider = Self {
            process,
            commands,
            answers: BufReader::new(answers).lines(),
            issuer: name.to_owned(),
            port: 0,
            client: Client::new()?,
        };
        let port = provider.answer("port")?;
        let port = port.as_u64().and_then(|port| u16::try_from(port).ok());
        provider.port = port.context("the provider names no port")?;
        if !name.contains("://") {
            provider.issuer = format!("http://{name}:{}", provider.port);
        }
        Ok(provider)
    }

    /// `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Host, and port if its URL names one, by which it is known.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.issuer
            .split_once("://")
            .map_or(&self.issuer, |(_, authority)| authority)
    }

    /// Istio's name for the cluster that leads to it.
    #[must_use]
    pub fn cluster(&self) -> String {
        sluice_envoy::bootstrap::jwt_authn::cluster_of(&self.issuer)
    }

    /// Where it really listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// A new access token for [`SUBJECT`] and [`AUDIENCE`].
    ///
    /// # Errors
    /// The provider refuses.
    pub fn token(&self, algorithm: &str, scope: &str) -> Result<String> {
        self.grant(&Grant {
            client: SUBJECT,
            audience: AUDIENCE,
            algorithm,
            scope,
        })
    }

    /// A new access token, by a client-credentials grant.
    ///
    /// # Errors
    /// The provider refuses.
    pub fn grant(&self, grant: &Grant<'_>) -> Result<String> {
        let Grant {
            client,
            audience,
            algorithm,
            scope,
        } = grant;
        let credentials = STANDARD.encode(format!("{client}:{SECRET}"));
        let form = format!(
            "grant_type=client_credentials&scope={scope}&resource=https://{audience}.test/{algorithm}"
        );
        let request = Request::new("POST", self.authority(), "/token")
            .header("authorization", format!("Basic {credentials}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("content-length", form.len().to_string())
            .body(form);
        let answer = document(&self.send(&request)?)?;
        let token = answer.get("access_token").and_then(Value::as_str);
        Ok(token.context("the answer has no access_token")?.to_owned())
    }

    /// Its OpenID configuration.
    ///
    /// # Errors
    /// The provider does not answer.
    pub fn discovery(&self) -> Result<Value> {
        self.get("/.well-known/openid-configuration")
    }

    /// Its public keys.
    ///
    /// # Errors
    /// The provider does not answer.
    pub fn key_set(&self) -> Result<Value> {
        self.get("/jwks")
    }

    /// New keys sign from now on. The old ones stay published.
    ///
    /// # Errors
    /// The provider is gone.
    pub fn rotate(&mut self) -> Result<()> {
        self.command(&json!({"rotate": true}))
    }

    /// Only the newest keys stay published.
    ///
    /// # Errors
    /// The provider is gone.
    pub fn retire_old_keys(&mut self) -> Result<()> {
        self.command(&json!({"retire": true}))
    }

    /// Its clock is wrong by so many seconds from now on: what it issues is that old.
    ///
    /// # Errors
    /// The provider is gone.
    pub fn set_clock(&mut self, seconds: i64) -> Result<()> {
        self.command(&json!({"clock": seconds}))
    }

    fn get(&self, path: &str) -> Result<Value> {
        document(&self.send(&Request::new("GET", self.authority(), path))?)
    }

    fn send(&self, request: &Request) -> Result<Response> {
        let target = Target::new(self.address(), Protocol::Http1);
        Ok(self.client.send(&target, request)?)
    }

    fn command(&mut self, command: &Value) -> Result<()> {
        writeln!(self.commands, "{command}").context("the provider takes no command")?;
        self.answer("done").map(drop)
    }

    /// The next line with that key. The package prints warnings of its own before.
    fn answer(&mut self, key: &str) -> Result<Value> {
        for line in &mut self.answers {
            let line = line.context("the provider's output")?;
            let Ok(mut answer) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if let Some(value) = answer.get_mut(key) {
                return Ok(value.take());
            }
        }
        Err(anyhow!("the provider ended: {:?}", self.process.try_wait()))
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn command(name: &str) -> Result<Command> {
    let packages = target_dir().join("tools/identity-provider");
    ensure!(
        packages.join("node_modules/oidc-provider").is_dir(),
        "{}: no identity provider is here; `cargo xtask setup tools` fetches it",
        packages.display()
    );
    let script: PathBuf = workspace_dir().join("tests/identity_provider/server.mjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(packages)
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It warns that it is for development, which is so.
        .stderr(Stdio::null());
    Ok(command)
}

fn document(response: &Response) -> Result<Value> {
    let text = String::from_utf8_lossy(&response.body);
    ensure!(
        response.status == 200,
        "the provider answered {} `{text}`",
        response.status
    );
    serde_json::from_str(&text).context("the provider's answer")
}
