//! Whose roots each component trusts. Certificates are made here; none stands in the repository.

use crate::tree::{Tree, found};
use duo_doctor::node::Trust;
use duo_doctor::subject::facts::Holds;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::time::{Duration, Instant};

/// A root certificate of a name.
struct Made {
    pem: String,
    der: Vec<u8>,
}

fn root(name: &str) -> Made {
    let mut params = CertificateParams::new([]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Made { pem: certificate.pem(), der: certificate.der().to_vec() }
}

const OWN: &str = "opt/gitlab/embedded/ssl";
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

/// A package with GitLab's store, in which `company` is linked, and the system's bundle.
fn stores(public: &Made, company: &Made, system: &Made) -> Tree {
    Tree::of("package")
        .write(&format!("{OWN}/certs/cacert.pem"), &public.pem)
        .link(&format!("{OWN}/cert.pem"), "/opt/gitlab/embedded/ssl/certs/cacert.pem")
        .write("etc/gitlab/trusted-certs/company.crt", &company.pem)
        .link(&format!("{OWN}/certs/3513523f.0"), "/etc/gitlab/trusted-certs/company.crt")
        .write(&format!("{OWN}/certs/README"), "no certificate")
        .write(BUNDLE, &system.pem)
}

fn holds(store: Option<&duo_doctor::subject::Store>) -> Vec<Vec<u8>> {
    let mut roots = store.expect("the store was read").roots.clone();
    roots.sort();
    roots
}

fn sorted(made: &[&Made]) -> Vec<Vec<u8>> {
    let mut roots: Vec<Vec<u8>> = made.iter().map(|m| m.der.clone()).collect();
    roots.sort();
    roots
}

#[test]
fn each_component_of_the_package_trusts_by_its_own_rules() {
    let (public, company, system, loose) = (root("public"), root("company"), root("system"), root("loose"));
    // OpenSSL reads only what is named by its hash; Go reads every file.
    let tree = stores(&public, &company, &system).write(&format!("{OWN}/certs/loose.crt"), &loose.pem);
    let Trust { rails, workhorse, shell } = tree.found().trust;
    assert_eq!(holds(rails.as_ref()), sorted(&[&public, &company]));
    assert_eq!(holds(workhorse.as_ref()), sorted(&[&public, &company, &system, &loose]));
    assert_eq!(holds(Some(&shell)), sorted(&[&system]));
    let label = |store: Option<duo_doctor::subject::Store>| store.expect("read").label;
    assert_eq!(label(rails), "GitLab's own store /opt/gitlab/embedded/ssl/cert.pem and certs/");
    assert_eq!(label(workhorse), "GitLab's certs/ and the system's store /etc/ssl/certs/ca-certificates.crt");
    assert_eq!(shell.label, "the system's store /etc/ssl/certs/ca-certificates.crt");
}

#[test]
fn a_file_with_several_certificates_gives_them_all_and_trusted_ones_are_openssls_alone() {
    let (public, company, system, more) = (root("public"), root("company"), root("system"), root("more"));
    let trusted = more.pem.replace("CERTIFICATE-----", "TRUSTED CERTIFICATE-----");
    let own = format!("# comment\n{}\nnonsense\n{trusted}", public.pem);
    let tree = stores(&public, &company, &system).write(&format!("{OWN}/certs/cacert.pem"), own);
    let trust = tree.found().trust;
    assert_eq!(holds(trust.rails.as_ref()), sorted(&[&public, &company, &more]));
    assert_eq!(holds(trust.workhorse.as_ref()), sorted(&[&public, &company, &system]));
}

#[test]
fn variables_of_the_component_name_other_stores() {
    let (public, company, system, other) = (root("public"), root("company"), root("system"), root("other"));
    let env = "opt/gitlab/etc";
    let tree = stores(&public, &company, &system)
        .write("etc/other/one.pem", &other.pem)
        .dir("etc/other/empty")
        .write(&format!("{env}/gitlab-rails/env/SSL_CERT_FILE"), "/etc/other/one.pem")
        .write(&format!("{env}/gitlab-workhorse/env/SSL_CERT_FILE"), "/etc/other/one.pem");
    let trust = tree.found().trust;
    assert_eq!(holds(trust.rails.as_ref()), sorted(&[&other, &company]));
    assert_eq!(holds(trust.workhorse.as_ref()), sorted(&[&public, &company, &other]));
    let rails = trust.rails.expect("read").label;
    assert_eq!(rails, "/etc/other/one.pem and /opt/gitlab/embedded/ssl/certs/");
    assert_eq!(trust.workhorse.expect("read").label, "GitLab's certs/ and /etc/other/one.pem");
    let tree = tree.write(&format!("{env}/gitlab-rails/env/SSL_CERT_DIR"), "/etc/other/empty:/etc/nowhere");
    assert_eq!(holds(tree.found().trust.rails.as_ref()), sorted(&[&other]));
}

#[test]
fn pods_and_source_installations_trust_the_systems_store() {
    let (system, hashed) = (root("system"), root("hashed"));
    for name in ["helm-webservice", "source"] {
        let tree = Tree::of(name).write(BUNDLE, &system.pem).write("etc/ssl/certs/0a1b2c3d.0", &hashed.pem);
        let trust = tree.found().trust;
        assert_eq!(holds(trust.rails.as_ref()), sorted(&[&system, &hashed]), "{name}");
        assert_eq!(holds(trust.workhorse.as_ref()), sorted(&[&system, &hashed]), "{name}");
        assert_eq!(trust.rails.expect("read").label, "the system's store /etc/ssl/certs/ca-certificates.crt");
    }
    let tree = Tree::of("source").write("etc/pki/tls/certs/ca-bundle.crt", &system.pem);
    assert_eq!(holds(tree.found().trust.rails.as_ref()), sorted(&[&system]));
}

#[test]
fn without_gitlab_only_the_shell_has_a_store() {
    let trust = found("none").trust;
    assert_eq!((trust.rails, trust.workhorse), (None, None));
    assert_eq!(trust.shell.label, "the system's store, which was not found");
    assert_eq!(found("package").trust.rails, None, "a store that is not there is not an empty one");
}

#[test]
fn what_stands_in_trusted_certs_is_told_file_by_file() {
    let (company, second, system) = (root("company"), root("second"), root("system"));
    let at = |name: &str| format!("etc/gitlab/trusted-certs/{name}");
    let tree = stores(&root("public"), &company, &system)
        .write(&at("der.crt"), &second.der)
        .write(&at("several.pem"), format!("{}{}", company.pem, second.pem))
        .write(&at("openssl.crt"), second.pem.replace("CERTIFICATE-----", "TRUSTED CERTIFICATE-----"))
        .write(&at("nothing.txt"), "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
        .link(&at("3513523f.0"), "company.crt");
    let certs = tree.facts().trusted_certs.expect("it was listed");
    let told: Vec<(&str, Holds, Option<bool>)> = certs
        .iter()
        .map(|c| (c.path.trim_start_matches("/etc/gitlab/trusted-certs/"), c.holds, c.linked))
        .collect();
    assert_eq!(
        told,
        [
            ("company.crt", Holds::OnePem, Some(true)),
            ("der.crt", Holds::Der, Some(false)),
            ("nothing.txt", Holds::Nothing, Some(false)),
            ("openssl.crt", Holds::OpensslTrusted, Some(false)),
            ("several.pem", Holds::SeveralPem(2), Some(false)),
        ]
    );
    assert_eq!(certs[1].certificates, [second.der]);
    assert_eq!(found("source").facts.trusted_certs, None);
}

#[test]
fn roots_that_the_operating_system_was_given_are_told() {
    let (one, two, third) = (root("one"), root("two"), root("third"));
    let tree = Tree::of("package")
        .write("usr/local/share/ca-certificates/corp/one.crt", &one.pem)
        .write("usr/local/share/ca-certificates/two.txt", &two.pem)
        .write("etc/pki/ca-trust/source/anchors/two.pem", &two.pem)
        .write("etc/pki/ca-trust/source/anchors/three.der", &third.der);
    let told: Vec<(String, Vec<u8>)> =
        tree.facts().company_roots.into_iter().map(|r| (r.path, r.der)).collect();
    let at = |name: &str| format!("/etc/pki/ca-trust/source/anchors/{name}");
    assert_eq!(
        told,
        [
            ("/usr/local/share/ca-certificates/corp/one.crt".to_owned(), one.der),
            (at("three.der"), third.der),
            (at("two.pem"), two.der),
        ]
    );
}

#[test]
fn a_hundred_and_forty_roots_are_read_in_time() {
    let bundle: String = (0..140).map(|n| root(&format!("root {n}")).pem).collect();
    let tree = stores(&root("public"), &root("company"), &root("system"))
        .write(&format!("{OWN}/certs/cacert.pem"), &bundle)
        .write(BUNDLE, &bundle);
    let best = (0..5).map(|_| {
        let begin = Instant::now();
        assert_eq!(holds(tree.found().trust.workhorse.as_ref()).len(), 141);
        begin.elapsed()
    });
    // The figure of 10 ms is for a release build on a quiet machine; this holds without either.
    let best = best.min().expect("five runs");
    assert!(best < Duration::from_millis(100), "it took {best:?}");
}
