//! Which inspecting product signed a chain, by the words in its issuers.
//!
//! Only issuers are looked at: a subject carries the name of whoever is reached, and somebody may call a host
//! `fortigate.example.com`. What is neither letter nor digit separates words; whole words count.

use crate::failure::certificate::Certificate;
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
struct Vendors {
    vendors: Vec<Vendor>,
}

#[derive(Deserialize)]
struct Vendor {
    product: String,
    /// Whole words, lower case, one space between them.
    patterns: Vec<String>,
    /// The product's own domains.
    #[serde(default)]
    domains: Vec<String>,
}

static VENDORS: LazyLock<Vec<Vendor>> = LazyLock::new(|| {
    serde_json::from_str::<Vendors>(include_str!("../../assets/interception-vendors.json"))
        .expect("the embedded list of vendors is valid JSON")
        .vendors
});

/// The inspecting product that signed a chain.
pub(super) fn inspecting_product(chain: &[Certificate]) -> Option<&'static str> {
    let issuers: Vec<Name> = chain.iter().map(|c| Name::of(&c.issuer)).collect();
    VENDORS.iter().find(|vendor| issuers.iter().any(|name| name.is(vendor))).map(|v| v.product.as_str())
}

/// A distinguished name, taken apart.
struct Name {
    /// ` o fortinet ou certificate authority `, without names of hosts.
    words: String,
    /// `fortinet.com`, of a host or of a mail address.
    hosts: Vec<String>,
}

impl Name {
    fn of(name: &str) -> Self {
        let (mut words, mut hosts) = (String::from(" "), Vec::new());
        let lower = name.to_lowercase();
        for part in lower.split(|c: char| !(c.is_alphanumeric() || ".-".contains(c))) {
            let part = part.trim_matches(['.', '-']);
            if is_host(part) {
                hosts.push(part.to_owned());
                continue;
            }
            for word in part.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
                words.push_str(word);
                words.push(' ');
            }
        }
        Self { words, hosts }
    }

    fn is(&self, vendor: &Vendor) -> bool {
        let said = |pattern: &String| self.words.contains(&format!(" {pattern} "));
        let below = |domain: &String| {
            self.hosts
                .iter()
                .any(|h| h == domain || h.strip_suffix(domain.as_str()).is_some_and(|h| h.ends_with('.')))
        };
        vendor.patterns.iter().any(said) || vendor.domains.iter().any(below)
    }
}

/// Whether a word is the name of a host: labels between dots, the last one without digits.
fn is_host(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(front, top)| {
        !front.is_empty() && top.len() > 1 && top.chars().all(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(subject: &str, issuer: &str) -> Certificate {
        Certificate {
            subject: subject.into(),
            issuer: issuer.into(),
            names: Vec::new(),
            not_before: 0,
            not_after: 0,
            self_issued: false,
            is_ca: false,
            sha256: String::new(),
        }
    }

    fn product(issuer: &str) -> Option<&'static str> {
        inspecting_product(&[certificate("cloud.gitlab.com", issuer)])
    }

    /// Issuers in the shape in which products and their administrators write them.
    const INSPECTING: &[(&str, &str)] = &[
        (
            "C=US, ST=California, O=Zscaler Inc., OU=Zscaler Inc., CN=Zscaler Intermediate Root CA (zscaler.net)",
            "Zscaler",
        ),
        ("CN=ca.acme.goskope.com, O=Acme", "Netskope"),
        ("emailAddress=certadmin@netskope.com, CN=certadmin, O=Netskope Inc.", "Netskope"),
        ("CN=PAN Forward Trust, O=Acme", "Palo Alto Networks"),
        ("CN=Forward-Trust-CA", "Palo Alto Networks"),
        ("CN=Acme SSL Forward Proxy", "Palo Alto Networks"),
        ("CN=FG100FTK19000000, O=Fortinet, L=Sunnyvale", "FortiGate"),
        ("CN=Fortinet_CA_SSL", "FortiGate"),
        ("CN=FGT60F, emailAddress=support@fortinet.com", "FortiGate"),
        ("CN=Check Point Gateway CA", "Check Point"),
        ("CN=Harmony Connect Root CA", "Check Point"),
        ("CN=Cloud SWG RSA Intermediate CA", "Symantec Web Security"),
        ("CN=192.0.2.1, O=Blue Coat SG200 Series", "Blue Coat ProxySG"),
        ("CN=acme-ProxySG", "Blue Coat ProxySG"),
        ("CN=Cisco Umbrella Secondary SubCA fra-SG, O=Cisco", "Cisco Umbrella"),
        ("CN=Cisco Secure Access Root CA, O=Cisco", "Cisco Secure Access"),
        ("CN=IronPort Web Security Appliance", "Cisco Secure Web Appliance"),
        ("CN=Firepower-CA", "Cisco Secure Firewall"),
        ("CN=Sophos SSL CA_C01001, O=Sophos", "Sophos"),
        ("CN=McAfee Web Gateway, O=McAfee", "Skyhigh (McAfee)"),
        ("CN=Forcepoint Cloud CA", "Forcepoint"),
        ("CN=Cato Networks Root CA", "Cato Networks"),
        ("CN=iboss, O=iboss Network Security", "iboss"),
        ("CN=Barracuda Web Security Gateway, O=Barracuda Networks", "Barracuda"),
        ("CN=SonicWall Firewall DPI-SSL", "SonicWall"),
        ("CN=Fireware HTTPS Proxy (SN 70AB023EA5 2020), O=WatchGuard_Technologies", "WatchGuard"),
        ("CN=InterScan Web Security", "Trend Micro"),
        (
            "O=Cloudflare, Inc., CN=Gateway CA - Cloudflare Managed G1 3d028af29af87f79a8b3245461f04241",
            "Cloudflare Gateway",
        ),
        ("CN=Cloudflare for Teams ECC Certificate Authority", "Cloudflare Gateway"),
        ("CN=Microsoft Forefront TMG HTTPS Inspection Certification Authority", "Microsoft Forefront TMG"),
        ("CN=SSLO CA", "F5 SSL Orchestrator"),
        ("CN=A10 SSLi CA", "A10 SSLi"),
        ("CN=pfSense-proxy-CA", "pfSense"),
        ("CN=Untangle, O=Security", "Untangle"),
        ("CN=Smoothwall-default-root-certificate-authority", "Smoothwall"),
        ("CN=Lightspeed Rocket, O=Lightspeed Systems", "Lightspeed"),
        ("CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab", "Kaspersky"),
        ("CN=ESET SSL Filter CA, O=ESET, spol. s r. o.", "ESET"),
        ("CN=Bitdefender Personal CA.Net-Defender, O=Bitdefender", "Bitdefender"),
        ("CN=Avast Web/Mail Shield Root, O=Avast Web/Mail Shield", "Avast"),
        ("CN=Squid proxy CA", "squid"),
        ("CN=mitmproxy, O=mitmproxy", "mitmproxy"),
        ("CN=Charles Proxy CA (1 Jan 2026, laptop)", "Charles Proxy"),
        ("CN=PortSwigger CA, O=PortSwigger", "Burp Suite"),
        ("CN=DO_NOT_TRUST_FiddlerRoot, O=DO_NOT_TRUST", "Fiddler"),
    ];

    /// Public authorities, some of them of old, and names that only sound like a product's.
    const INNOCENT: &[&str] = &[
        "C=US, O=Google Trust Services, CN=WE1",
        "C=US, O=Google Trust Services, CN=WR1",
        "C=US, O=Google Trust Services LLC, CN=GTS Root R4",
        "C=US, O=Let's Encrypt, CN=R10",
        "C=US, O=Let's Encrypt, CN=R13",
        "C=US, O=Let's Encrypt, CN=E5",
        "C=US, O=Let's Encrypt, CN=E9",
        "C=US, O=Internet Security Research Group, CN=ISRG Root X1",
        "C=US, O=DigiCert Inc, CN=DigiCert Global G2 TLS RSA SHA256 2020 CA1",
        "C=US, O=DigiCert Inc, OU=www.digicert.com, CN=DigiCert Global Root G2",
        "C=US, ST=Texas, L=Houston, O=SSL Corporation, CN=SSL.com TLS Issuing RSA CA R1",
        "C=US, O=SSL Corporation, CN=Cloudflare TLS Issuing ECC CA 1",
        "C=US, O=Cloudflare, Inc., CN=Cloudflare Inc ECC CA-3",
        "C=US, O=CloudFlare, Inc., OU=CloudFlare Origin SSL Certificate Authority",
        "C=IE, O=Baltimore, OU=CyberTrust, CN=Baltimore CyberTrust Root",
        "C=GB, O=Sectigo Limited, CN=Sectigo Public Server Authentication CA DV R36",
        "C=US, ST=New Jersey, L=Jersey City, O=The USERTRUST Network, CN=USERTrust RSA Certification Authority",
        "C=GB, O=COMODO CA Limited, CN=COMODO ECC Certification Authority",
        "C=BE, O=GlobalSign nv-sa, CN=GlobalSign Atlas R3 DV TLS CA 2026 Q1",
        "C=US, O=Amazon, CN=Amazon RSA 2048 M02",
        "C=US, O=Amazon, CN=Amazon Root CA 1",
        "C=US, O=Starfield Technologies, Inc., CN=Starfield Services Root Certificate Authority - G2",
        "C=US, O=Entrust, Inc., OU=See www.entrust.net/legal-terms, CN=Entrust Root Certification Authority - G2",
        "C=US, O=Entrust Limited, CN=Entrust OV TLS Issuing RSA CA 1",
        "C=US, ST=Arizona, O=GoDaddy.com, Inc., CN=Go Daddy Secure Certificate Authority - G2",
        "C=US, O=Microsoft Corporation, CN=Microsoft Azure RSA TLS Issuing CA 03",
        "C=US, O=Apple Inc., CN=Apple Public Server RSA CA 12 - G1",
        "C=US, O=IdenTrust, OU=HydrantID Trusted Certificate Service, CN=HydrantID Server CA O1",
        "C=US, O=Cisco Systems, Inc., CN=Cisco XSSL-R2",
        "C=US, O=Symantec Corporation, OU=Symantec Trust Network, CN=Symantec Class 3 Secure Server CA - G4",
        "C=US, O=McAfee, Inc., CN=McAfee OV SSL CA 2",
        "C=US, O=Trustwave Holdings, Inc., CN=Trustwave Global Certification Authority",
        "C=US, O=AffirmTrust, CN=AffirmTrust Commercial",
        "C=BM, O=QuoVadis Limited, CN=QuoVadis Root CA 2 G3",
        "C=DE, O=D-Trust GmbH, CN=D-TRUST Root Class 3 CA 2 2009",
        "C=DE, O=Deutsche Telekom Security GmbH, CN=Telekom Security TLS RSA Root 2023",
        "C=PL, O=Asseco Data Systems S.A., CN=Certum Trusted Root CA",
        "C=NO, O=Buypass AS-983163327, CN=Buypass Class 2 Root CA",
        "C=AT, O=ZeroSSL, CN=ZeroSSL ECC Domain Secure Site CA",
        "C=US, O=Akamai Technologies, Inc., CN=Akamai Subordinate CA 3",
        "O=Example Corp, CN=Example Corp TLS Inspection 2",
        "O=Reset Media GmbH, CN=Preset CA",
        "O=Barracuda Night Club, CN=Barracuda Root",
        "O=Hewlett-Packard, L=Palo Alto, CN=Printing CA",
        "O=Bank of Juniper, CN=Juniper Bank CA",
        "O=Lightspeed Commerce, CN=Lightspeed CA",
        "O=Check Points and Balances, CN=Audit CA",
        "O=Example, CN=fortigate.example.com",
        "O=Example, CN=sophos-gw.internal.example",
        "O=Example, CN=notzscaler.net",
        "O=Squidward Limited, CN=Tentacle CA",
        "O=Avast Yard Sailing, CN=Fleet CA",
        "O=Charles River, CN=Proxy CA",
    ];

    #[test]
    fn at_least_thirty_products_are_known_by_their_issuers() {
        assert!(VENDORS.len() >= 30);
        for (issuer, wanted) in INSPECTING {
            assert_eq!(product(issuer), Some(*wanted), "{issuer}");
        }
        let mut tested: Vec<&str> = INSPECTING.iter().map(|(_, product)| *product).collect();
        tested.dedup();
        assert!(tested.len() >= 30, "{}", tested.len());
    }

    #[test]
    fn no_public_authority_and_no_customer_is_taken_for_a_product() {
        for issuer in INNOCENT {
            assert_eq!(product(issuer), None, "{issuer}");
        }
    }

    #[test]
    fn a_host_may_be_called_as_a_product_is() {
        let leaf = certificate("zscaler", "CN=WE1, O=Google Trust Services");
        assert_eq!(inspecting_product(&[leaf]), None);
    }

    #[test]
    fn patterns_are_written_as_they_are_compared() {
        for vendor in VENDORS.iter() {
            for pattern in &vendor.patterns {
                assert_eq!(Name::of(pattern).words.trim(), pattern, "{}", vendor.product);
            }
            assert!(vendor.domains.iter().all(|d| is_host(d)), "{}", vendor.product);
        }
    }
}
