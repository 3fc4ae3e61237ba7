//! What redaction never hides: GitLab's public names, public issuers, vendors' product names, and addresses
//! that say nothing about anybody. Tables.

use crate::subject::Cloudflare;
use ipnet::IpNet;
use std::net::IpAddr;

/// Domains that are public knowledge; names below them too.
const DOMAINS: [&str; 19] = [
    "gitlab.com",
    "gitlab.net",
    "gitlab.io",
    "gitlab-static.net",
    "cloudflare.com",
    "localhost",
    "zscaler.com",
    "zscaler.net",
    "netskope.com",
    "goskope.com",
    "squid-cache.org",
    "paloaltonetworks.com",
    "fortinet.com",
    "forcepoint.com",
    "nginx.org",
    "nginx.com",
    "apache.org",
    "haproxy.org",
    "w3.org",
];

/// Marks of products in the names of their authorities.
const VENDORS: [&str; 26] = [
    "zscaler",
    "netskope",
    "palo alto",
    "fortinet",
    "fortigate",
    "umbrella",
    "cisco",
    "blue coat",
    "bluecoat",
    "symantec",
    "sophos",
    "check point",
    "checkpoint",
    "mitmproxy",
    "squid",
    "mcafee",
    "skyhigh",
    "forcepoint",
    "websense",
    "barracuda",
    "watchguard",
    "sonicwall",
    "kaspersky",
    "bitdefender",
    "charles proxy",
    "menlo",
];

/// Marks of public authorities, and of GitLab's own certificates.
const AUTHORITIES: [&str; 30] = [
    "let's encrypt",
    "isrg",
    "digicert",
    "sectigo",
    "globalsign",
    "google trust",
    "gts ",
    "amazon",
    "entrust",
    "godaddy",
    "go daddy",
    "usertrust",
    "cloudflare",
    "baltimore",
    "comodo",
    "quovadis",
    "swisssign",
    "buypass",
    "zerossl",
    "ssl.com",
    "microsoft",
    "certum",
    "actalis",
    "identrust",
    "starfield",
    "d-trust",
    "t-telesec",
    "harica",
    "internet security research group",
    "aaa certificate services",
];

/// Endings of file names, which look like names of hosts.
const FILES: [&str; 34] = [
    "rb", "pem", "crt", "cer", "key", "conf", "cfg", "log", "html", "htm", "js", "mjs", "css", "png", "gif",
    "jpg", "ico", "svg", "json", "md", "php", "asp", "aspx", "jsp", "txt", "yml", "yaml", "sock", "gz", "so",
    "sh", "xml", "service", "env",
];

/// Networks whose addresses say nothing: loopback, unspecified, documentation (RFC 5737, 3849, 9637) and link
/// addresses of every machine.
const ADDRESSES: [&str; 8] = [
    "127.0.0.0/8",
    "0.0.0.0/32",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
    "3fff::/20",
    "::/127",
];

/// Whether a host's name is public.
pub(super) fn is_public_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    DOMAINS.iter().any(|d| host == *d || host.strip_suffix(d).is_some_and(|rest| rest.ends_with('.')))
}

/// Whether a text names a vendor's product.
pub(super) fn is_vendor(text: &str) -> bool {
    let text = text.to_lowercase();
    VENDORS.iter().any(|v| text.contains(v))
}

/// Whether a text names a public authority.
pub(super) fn is_authority(text: &str) -> bool {
    let text = format!("{} ", text.to_lowercase());
    AUTHORITIES.iter().any(|a| text.contains(a))
}

/// Whether the last label of a dotted word is the ending of a file.
pub(super) fn is_file_ending(label: &str) -> bool {
    FILES.contains(&label.to_ascii_lowercase().as_str())
}

/// The networks that are kept.
pub(super) fn networks() -> Vec<IpNet> {
    let mut networks: Vec<IpNet> = ADDRESSES.iter().filter_map(|n| n.parse().ok()).collect();
    networks.extend(Cloudflare::embedded().ranges);
    networks
}

/// Whether an address is kept; `::ffff:127.0.0.1` is what it maps.
pub(super) fn is_public_address(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|n| n.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_table_is_one() {
        assert!(networks().len() > ADDRESSES.len());
        assert!(ADDRESSES.iter().all(|n| n.parse::<IpNet>().is_ok()));
    }

    #[test]
    fn a_name_below_a_public_domain_is_public_and_a_name_that_ends_like_one_is_not() {
        assert!(is_public_host("Cloud.GitLab.com") && is_public_host("gitlab.com"));
        assert!(!is_public_host("mygitlab.com") && !is_public_host("gitlab.example.com"));
    }

    #[test]
    fn documentation_loopback_and_cloudflare_addresses_are_kept() {
        let networks = networks();
        let kept = |text: &str| is_public_address(&networks, text.parse().expect("an address"));
        for text in ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::5", "104.18.26.123", "::ffff:127.0.0.1"] {
            assert!(kept(text), "{text}");
        }
        for text in ["10.0.0.1", "8.8.8.8", "fd00::1", "100.64.0.1"] {
            assert!(!kept(text), "{text}");
        }
    }
}
