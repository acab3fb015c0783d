use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lgsp_runtime::config::SecretFile;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod,
    KeyPair, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

use super::*;
use crate::options::ClientCertificates;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Issuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn crl(issuer: &Issuer) -> Vec<u8> {
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2021, 1, 1),
        next_update: date_time_ymd(2999, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(issuer).unwrap().der().to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// A folder with all the files, and options that name them.
fn files() -> (TempDir, Tls) {
    let (folder, issuer) = (tempfile::tempdir().unwrap(), issuer());
    let path = |name: &str| folder.path().join(name);
    let certificate = pem("CERTIFICATE", issuer.der());
    std::fs::write(path("hub.pem"), &certificate).unwrap();
    std::fs::write(path("hub.key"), pem("PRIVATE KEY", &issuer.key().serialize_der())).unwrap();
    std::fs::set_permissions(path("hub.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(path("ca.pem"), certificate).unwrap();
    std::fs::write(path("der.crl"), crl(&issuer)).unwrap();
    std::fs::write(path("pem.crl"), pem("X509 CRL", &crl(&issuer))).unwrap();
    let tls = Tls {
        client_certificates: ClientCertificates::Required,
        client_ca: vec![path("ca.pem")],
        client_crl: vec![path("der.crl"), path("pem.crl")],
        ..Tls::of(path("hub.pem"), SecretFile::new(path("hub.key")))
    };
    (folder, tls)
}

fn refusal(tls: &Tls) -> String {
    Certificates::open(tls).err().expect("it is refused").to_string()
}

#[test]
fn revocations_are_read_in_pem_and_der() {
    let (_folder, tls) = files();
    assert!(Certificates::open(&tls).is_ok());
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named_with_what_belongs_there() {
    let check = |change: fn(&mut Tls, &Path), expect: &[&str]| {
        let (folder, mut tls) = files();
        change(&mut tls, folder.path());
        let told = refusal(&tls);
        for expect in expect {
            assert!(told.contains(expect), "`{expect}` is not in: {told}");
        }
    };
    check(|tls, folder| tls.client_ca = vec![folder.join("gone.pem")], &["gone.pem", "No such file"]);
    check(
        |tls, folder| tls.client_ca = vec![folder.join("hub.key")],
        &["hub.key", "name the PEM file of who signs"],
    );
    check(
        |tls, folder| tls.client_ca = vec![folder.join("der.crl")],
        &["der.crl", "no certificate of an authority"],
    );
    check(|tls, folder| tls.client_crl = vec![folder.join("ca.pem")], &["ca.pem", "as its CRL"]);
    check(|tls, _| std::fs::write(&tls.client_crl[0], [0x30, 0x01, 0]).unwrap(), &["der.crl", "as its CRL"]);
    check(|tls, _| std::fs::write(&tls.client_crl[1], "text").unwrap(), &["pem.crl", "as its CRL"]);
}

#[test]
fn files_are_taken_when_they_have_changed_and_are_good() {
    let (_folder, tls) = files();
    let certificates = Certificates::open(&tls).unwrap();
    let generation = || certificates.current().generation;
    assert!(!certificates.look().unwrap());

    let list = std::fs::read(&tls.client_crl[1]).unwrap();
    std::fs::write(&tls.client_crl[1], "half of a li").unwrap();
    assert!(certificates.look().is_err());
    assert_eq!(generation(), 0, "what was read before holds");
    std::fs::write(&tls.client_crl[1], list).unwrap();
    assert!(!certificates.look().unwrap(), "all is as it was");

    std::fs::write(&tls.client_crl[1], pem("X509 CRL", &crl(&issuer()))).unwrap();
    assert!(certificates.look().unwrap());
    assert_eq!(generation(), 1);
}

#[test]
fn a_gateway_that_asks_for_certificates_takes_up_no_earlier_session() {
    let (_folder, tls) = files();
    let config = |tls: &Tls| Certificates::open(tls).unwrap().current().acceptor.config().clone();
    assert_eq!(config(&tls).send_tls13_tickets, 0);
    assert!(!config(&tls).session_storage.can_cache());
    let plain = Tls { client_certificates: ClientCertificates::Off, ..tls };
    assert!(config(&plain).session_storage.can_cache());
}
