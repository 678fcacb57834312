//! TLS as a sidecar's client side speaks it.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, IpAddr, ServerName, UnixTime},
};
use tokio_rustls::TlsConnector;

use super::Protocol;
use crate::{
    LabError,
    error::Doing,
    identity::{Authority, Identity},
};

/// How a client presents itself.
#[derive(Debug, Clone)]
pub struct ClientTls {
    root: CertificateDer<'static>,
    identity: Option<Identity>,
    server_name: Option<String>,
    alpn: Option<Vec<Vec<u8>>>,
}

impl ClientTls {
    /// Mutual TLS as the workload `identity`.
    #[must_use]
    pub fn mutual(authority: &Authority, identity: &Identity) -> Self {
        Self {
            identity: Some(identity.clone()),
            ..Self::anonymous(authority)
        }
    }

    /// TLS without a client certificate.
    #[must_use]
    pub fn anonymous(authority: &Authority) -> Self {
        Self {
            root: authority.certificate(),
            identity: None,
            server_name: None,
            alpn: None,
        }
    }

    /// Sends `name` as server name; none is sent otherwise.
    #[must_use]
    pub fn server_name_indication(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }

    /// Offers these protocols instead of the one that is spoken.
    #[must_use]
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = Some(
            protocols
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect(),
        );
        self
    }

    /// rustls leaves the extension out for an address.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, LabError> {
        match &self.server_name {
            Some(name) => ServerName::try_from(name.clone()).doing("read a server name"),
            None => Ok(ServerName::IpAddress(IpAddr::V4([127, 0, 0, 1].into()))),
        }
    }

    pub(super) fn connector(&self, protocol: Protocol) -> Result<TlsConnector, LabError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .doing("choose TLS versions")?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(MeshVerifier::new(&self.root)?));
        let mut config = match &self.identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.key())
                .doing("use a client certificate")?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.clone().unwrap_or_else(|| vec![spoken(protocol)]);
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn spoken(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Http2 => b"h2".to_vec(),
        Protocol::Http1 | Protocol::Wire => b"http/1.1".to_vec(),
    }
}

/// Checks the chain to the mesh's root. A workload certificate names a SPIFFE
/// identity, not a host, so a name that does not fit is no fault.
#[derive(Debug)]
struct MeshVerifier(Arc<WebPkiServerVerifier>);

impl MeshVerifier {
    fn new(root: &CertificateDer<'static>) -> Result<Self, LabError> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).doing("trust the root")?;
        let provider = Arc::new(ring::default_provider());
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(Self)
            .doing("trust the root")
    }
}

impl ServerCertVerifier for MeshVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
