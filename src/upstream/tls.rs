//! What certificates are trusted, read once: a client that reads the system's store for itself takes tens of
//! milliseconds to build, and one is built for every operation of every connection.

use std::sync::{Arc, LazyLock};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

static CONFIG: LazyLock<Result<ClientConfig, rustls::Error>> = LazyLock::new(|| {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = platform(&provider).or_else(|_| bundled(provider))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
});

/// A config for one client, whose sessions nobody else resumes.
pub(super) fn config() -> Result<ClientConfig, rustls::Error> {
    let mut config = CONFIG.clone()?;
    config.resumption = Resumption::default();
    Ok(config)
}

/// The system's CA store.
fn platform(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let verifier = Verifier::new(Arc::clone(provider))?;
    Ok(ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// For machines that have no CA store.
fn bundled(provider: Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_ca_store_trusts_the_bundled_anchors() {
        let config = bundled(Arc::new(aws_lc_rs::default_provider())).unwrap();
        // The HTTP library takes it only if it is built on the same TLS library.
        reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .build()
            .unwrap();
    }
}
