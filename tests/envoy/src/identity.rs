//! A mesh's certificate authority and the workload certificates it issues.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, string::Ia5String,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::{LabError, error::Doing};

/// A root certificate authority, made anew in each run.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    certificate: CertificateDer<'static>,
}

impl Authority {
    /// Makes a root with a key of its own.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn new() -> Result<Self, LabError> {
        let key = KeyPair::generate().doing("make the root key")?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::OrganizationName, "sluice laboratory");
        let certificate = params.self_signed(&key).doing("sign the root")?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Issues a certificate whose one URI SAN is `spiffe`, such as
    /// `spiffe://cluster.local/ns/production/sa/order-service-sa`. Like Istio's,
    /// it has no subject and serves clients and servers.
    ///
    /// # Errors
    /// When `spiffe` is not ASCII, or signing fails.
    pub fn issue(&self, spiffe: &str) -> Result<Identity, LabError> {
        self.issue_with(&[Name::Uri(spiffe)])
    }

    /// Issues a certificate with any names, in this order.
    ///
    /// # Errors
    /// When a name is not ASCII, or signing fails.
    pub fn issue_with(&self, names: &[Name<'_>]) -> Result<Identity, LabError> {
        let key = KeyPair::generate().doing("make a key")?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in names {
            name.put_into(&mut params)?;
        }
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params
            .signed_by(&key, &self.issuer)
            .doing("sign a certificate")?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
        })
    }

    /// The root certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }
}

/// A name in a certificate.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// URI subject alternative name.
    Uri(&'a str),
    /// DNS subject alternative name.
    Dns(&'a str),
    /// Common name of the subject.
    CommonName(&'a str),
}

impl Name<'_> {
    fn put_into(self, params: &mut CertificateParams) -> Result<(), LabError> {
        let ascii = |text: &str| {
            Ia5String::try_from(text.to_owned()).doing("put a name into a certificate")
        };
        match self {
            Self::Uri(uri) => params.subject_alt_names.push(SanType::URI(ascii(uri)?)),
            Self::Dns(name) => params
                .subject_alt_names
                .push(SanType::DnsName(ascii(name)?)),
            Self::CommonName(name) => params.distinguished_name.push(DnType::CommonName, name),
        }
        Ok(())
    }
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Identity {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    key_pem: String,
    key_der: Vec<u8>,
}

impl Identity {
    /// The certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()))
    }
}
