//! The names that were met and the words that stand for them: `host-1`, `node-1`, `address-1`, `mail-1`,
//! `issuer-1`. Numbered in the order of first sight, so that equal reports hide alike.

use super::keep;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What stands for what.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Names of hosts, lower case.
    hosts: BTreeMap<String, String>,
    /// Texts of issuers, as they stand.
    issuers: BTreeMap<String, String>,
    /// Addresses.
    addresses: BTreeMap<IpAddr, String>,
    /// E-mail addresses.
    mails: BTreeMap<String, String>,
    /// Numbers given out for hosts, issuers and addresses; several texts may share one.
    given: [usize; 3],
    kept: Vec<IpNet>,
}

impl Names {
    /// Nothing met yet.
    pub(super) fn new() -> Self {
        Self { kept: keep::networks(), ..Self::default() }
    }

    /// How many of each: hosts, addresses, issuers, e-mails.
    pub(super) fn counts(&self) -> [usize; 4] {
        [self.given[0], self.addresses.len(), self.given[1], self.mails.len()]
    }

    /// Whether a text holds one of the words that stand for something, now or since the report was first written.
    pub(super) fn shows_in(&self, text: &str) -> bool {
        let in_words = |c: char| !(c.is_alphanumeric() || c == '-');
        if text.split(in_words).any(is_ours) {
            return true;
        }
        let mut words = (self.hosts.values()).chain(self.issuers.values()).chain(self.addresses.values());
        words.any(|w| find(text, w, Bounds::Words).is_some())
            || self.mails.values().any(|w| text.contains(w.as_str()))
    }

    /// The node's own name, whole and short.
    pub(super) fn add_node(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        if keep::is_public_host(&name) || name.parse::<IpAddr>().is_ok() || name.is_empty() {
            return;
        }
        if let Some((short, _)) = name.split_once('.') {
            self.hosts.entry(short.to_owned()).or_insert_with(|| "node-1".to_owned());
        }
        self.hosts.insert(name, "node-1".to_owned());
    }

    /// A host: a name, an address literal, or a wildcard.
    pub(super) fn add_host(&mut self, name: &str) {
        let name = name.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
        let literal = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let odd = |c: char| !(c.is_alphanumeric() || "-._".contains(c));
        if is_ours(&name) || name.is_empty() || literal || name.contains(odd) || keep::is_public_host(&name) {
            return;
        }
        if name.chars().all(|c| c.is_ascii_digit() || c == '.') || self.hosts.contains_key(&name) {
            return;
        }
        self.given[0] += 1;
        self.hosts.insert(name, format!("host-{}", self.given[0]));
    }

    /// An issuer: a distinguished name or a common name. Vendors' and public authorities' names are kept.
    pub(super) fn add_issuer(&mut self, text: &str) {
        let parts = issuer_parts(text);
        let known = parts.iter().find_map(|p| self.issuers.get(*p).cloned());
        let hidden: Vec<&str> = parts
            .into_iter()
            .filter(|p| p.len() > 3 && !keep::is_vendor(p) && !keep::is_authority(p))
            .collect();
        if hidden.is_empty() || hidden.iter().all(|p| self.issuers.contains_key(*p)) {
            return;
        }
        let word = known.unwrap_or_else(|| {
            self.given[1] += 1;
            format!("issuer-{}", self.given[1])
        });
        for part in hidden {
            self.issuers.entry(part.to_owned()).or_insert_with(|| word.clone());
        }
    }

    /// Collects names of hosts with a dot from a text of which nothing is known.
    pub(super) fn add_from(&mut self, text: &str) {
        let word = |c: char| c.is_alphanumeric() || "-._".contains(c);
        let mut from = 0;
        while let Some(start) = text[from..].find(word).map(|i| i + from) {
            let end = text[start..].find(|c| !word(c)).map_or(text.len(), |i| i + start);
            from = end;
            let before = &text[..start];
            let in_path = before.ends_with('/') && !before.ends_with("//");
            let name = text[start..end].trim_matches(['.', '-']);
            if !in_path && is_dotted_name(name) {
                self.add_host(name);
            }
            if !in_path && (before.ends_with("//") || before.ends_with("//***@")) {
                self.add_host(name);
            }
        }
    }

    /// The text with words in place of everything that is to be hidden.
    pub(super) fn hide(&mut self, text: &str) -> String {
        let text = self.hide_mails(text);
        let mut text = replace(&text, &self.issuers, Bounds::Words);
        text = replace(&text, &self.hosts, Bounds::Name);
        self.hide_addresses(&text)
    }

    fn hide_mails(&mut self, text: &str) -> String {
        let local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('@') {
            let start = rest[..at]
                .rfind(|c| !local(c))
                .map_or(0, |i| i + rest[i..].chars().next().map_or(1, char::len_utf8));
            let behind = &rest[at + 1..];
            let end =
                behind.find(|c: char| !(c.is_alphanumeric() || "-.".contains(c))).unwrap_or(behind.len());
            let domain = behind[..end].trim_end_matches(['.', '-']);
            if start == at || !is_dotted_name(domain) {
                out.push_str(&rest[..=at]);
                rest = behind;
                continue;
            }
            let mail = rest[start..at + 1 + domain.len()].to_ascii_lowercase();
            let next = self.mails.len() + 1;
            out.push_str(&rest[..start]);
            out.push_str(self.mails.entry(mail).or_insert_with(|| format!("mail-{next}")));
            rest = &behind[domain.len()..];
        }
        out.push_str(rest);
        out
    }

    fn hide_addresses(&mut self, text: &str) -> String {
        let part = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(part) {
            let end = rest[start..].find(|c| !part(c)).map_or(rest.len(), |i| i + start);
            let word = &rest[start..end];
            let whole = !rest[..start].ends_with(|c: char| c.is_alphanumeric() || c == '-')
                && !rest[end..].starts_with(|c: char| c.is_alphanumeric());
            let network = rest[end..].starts_with('/');
            out.push_str(&rest[..start]);
            match address_in(word).filter(|_| whole) {
                Some((address, length)) if !self.is_kept(address, network) => {
                    // A hidden address needs no brackets: `[fd00::1]:443` becomes `address-1:443`.
                    let bracketed = out.ends_with('[') && rest[end..].starts_with(']');
                    if bracketed {
                        out.pop();
                    }
                    out.push_str(&self.address(address));
                    out.push_str(&word[length..]);
                    rest = &rest[end + usize::from(bracketed)..];
                    continue;
                }
                Some(_) | None => out.push_str(word),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    fn is_kept(&self, address: IpAddr, network: bool) -> bool {
        // `10.0.0.0/8` is everybody's.
        let base = ["10.0.0.0", "172.16.0.0", "192.168.0.0", "100.64.0.0", "169.254.0.0", "fc00::", "fe80::"];
        keep::is_public_address(&self.kept, address)
            || (network && base.contains(&address.to_string().as_str()))
    }

    fn address(&mut self, address: IpAddr) -> String {
        let last = self.given[2];
        let number = super::placeholder_number(address).unwrap_or(last + 1);
        if !self.addresses.contains_key(&address) {
            self.given[2] = last.max(number);
        }
        self.addresses.entry(address).or_insert_with(|| format!("address-{number}")).clone()
    }
}

/// Whether a word already stands for something: a redacted report is redacted again.
fn is_ours(word: &str) -> bool {
    stands_for(word, &["issuer-", "address-", "mail-"])
}

/// Whether a host's name stands for one that is hidden: `host-1`.
pub fn is_hidden_host(name: &str) -> bool {
    stands_for(name, &["host-", "node-"])
}

fn stands_for(word: &str, kinds: &[&str]) -> bool {
    let number = kinds.iter().find_map(|kind| word.strip_prefix(kind));
    number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

/// An address at the start of a run of its characters, and its length: `10.0.0.1:443` is one of 8.
fn address_in(word: &str) -> Option<(IpAddr, usize)> {
    let trimmed = word.trim_end_matches(['.', ':']);
    if let Ok(address) = trimmed.parse::<IpAddr>() {
        return Some((address, trimmed.len()));
    }
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some((address, word.len()));
    }
    let (host, port) = trimmed.rsplit_once(':')?;
    let is_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    host.parse::<std::net::Ipv4Addr>().ok().filter(|_| is_port).map(|a| (IpAddr::V4(a), host.len()))
}

/// The parts of a distinguished name that name somebody; a text without keys is one part.
fn issuer_parts(text: &str) -> Vec<&str> {
    let keyed = |part: &&str| part.split_once('=').is_some_and(|(k, _)| k.chars().all(char::is_alphanumeric));
    let mut parts: Vec<&str> = text.split(", ").collect();
    if parts.first().is_none_or(|p| !keyed(p)) {
        return vec![text.trim()];
    }
    parts.retain(keyed);
    parts
        .into_iter()
        .filter_map(|p| p.split_once('='))
        .filter(|(k, _)| *k != "C")
        .map(|(_, v)| v.trim())
        .collect()
}

/// Whether a word looks like the name of a host: labels, the last one of letters and no file's ending.
fn is_dotted_name(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    let [_, .., last] = labels.as_slice() else { return false };
    labels.iter().all(|l| !l.is_empty())
        && (last.starts_with("xn--") || last.chars().all(char::is_alphabetic))
        && last.len() >= 2
        && !keep::is_file_ending(last)
}

/// What must stand around a text for it to be the one that is meant.
#[derive(Clone, Copy)]
enum Bounds {
    /// A host's name: `gitlab` is neither in `gitlab-ctl` nor in `/etc/gitlab/`; `a.b.c` is in `x.a.b.c`.
    Name,
    /// Whole words.
    Words,
}

/// Replaces every text of a table, the longest first.
fn replace(text: &str, table: &BTreeMap<String, String>, bounds: Bounds) -> String {
    let mut names: Vec<(&String, &String)> = table.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut out = text.to_owned();
    for (name, word) in names {
        let mut done = String::new();
        let mut rest = out.as_str();
        while let Some(at) = find(rest, name, bounds).filter(|at| fits(&done, rest, *at, name, bounds)) {
            done.push_str(&rest[..at]);
            done.push_str(word);
            rest = &rest[at + name.len()..];
        }
        done.push_str(rest);
        out = done;
    }
    out
}

/// A match at the very start of what is left must also fit to what was written before it.
fn fits(done: &str, rest: &str, at: usize, name: &str, bounds: Bounds) -> bool {
    at > 0 || done.is_empty() || bounded(done, &rest[name.len()..], name, bounds)
}

/// Where a name stands in a text, whatever its case.
fn find(text: &str, name: &str, bounds: Bounds) -> Option<usize> {
    let (low, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut from = 0;
    while let Some(at) = low[from..].find(&name).map(|i| i + from) {
        if bounded(&low[..at], &low[at + name.len()..], &name, bounds) {
            return Some(at);
        }
        from = at + name.chars().next().map_or(1, char::len_utf8);
    }
    None
}

fn bounded(before: &str, behind: &str, name: &str, bounds: Bounds) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    // An escaped line end, `\n`, ends in a letter that belongs to no name.
    let escaped = before.ends_with("\\n") || before.ends_with("\\r");
    let free = (!before.ends_with(joins) || escaped) && !behind.starts_with(joins);
    let dotted = |text: &str| text.strip_prefix('.').is_some_and(|t| t.starts_with(char::is_alphanumeric));
    let in_path = before.ends_with('/') && !before.ends_with("//");
    match bounds {
        Bounds::Words => free,
        Bounds::Name if name.contains('.') => free,
        Bounds::Name => free && !in_path && !before.ends_with('.') && !dotted(behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(hosts: &[&str], text: &str) -> String {
        let mut names = Names::new();
        for host in hosts {
            names.add_host(host);
        }
        names.hide(text)
    }

    #[test]
    fn a_name_is_hidden_where_it_stands_alone() {
        for (text, left) in [
            ("https://gitlab.acme.corp/x", "https://host-1/x"),
            ("/etc/gitlab/ssl/gitlab.acme.corp.crt", "/etc/gitlab/ssl/host-1.crt"),
            ("GITLAB.acme.corp:443 and www.gitlab.acme.corp", "host-1:443 and www.host-1"),
            ("gitlab.acme.corporation", "gitlab.acme.corporation"),
            ("gitlab.acme.corp gitlab.acme.corp", "host-1 host-1"),
        ] {
            assert_eq!(hidden(&["gitlab.acme.corp"], text), left);
        }
    }

    #[test]
    fn a_short_name_leaves_paths_and_commands_alone() {
        for (text, left) in [
            ("gitlab-ctl reads /etc/gitlab/gitlab.rb", "gitlab-ctl reads /etc/gitlab/gitlab.rb"),
            ("http://gitlab:3128", "http://host-1:3128"),
            ("customers.gitlab.com", "customers.gitlab.com"),
        ] {
            assert_eq!(hidden(&["gitlab"], text), left);
        }
    }

    #[test]
    fn addresses_and_mails_are_found_in_any_text() {
        for (text, left) in [
            ("10.1.2.3:53 and [fd00::1]:443, fd00::1", "address-1:53 and address-2:443, address-2"),
            (
                "squid/5.7 at 10.0.0.0/8, 203.0.113.9, 104.18.26.123",
                "squid/5.7 at 10.0.0.0/8, 203.0.113.9, 104.18.26.123",
            ),
            ("8C:1F:52:A0 at 02:14:07, gitlab 18.9.1", "8C:1F:52:A0 at 02:14:07, gitlab 18.9.1"),
            ("ask Jane.Doe@acme.corp.", "ask mail-1."),
            ("tls@cloud/rails", "tls@cloud/rails"),
            ("from 10.9.9.9.", "from address-1."),
        ] {
            assert_eq!(hidden(&[], text), left);
        }
    }

    #[test]
    fn an_issuer_is_hidden_by_its_parts_and_a_vendor_kept() {
        let mut names = Names::new();
        names.add_issuer("CN=Acme TLS Inspection 2, O=Acme Corp, C=DE");
        names.add_issuer("CN=Zscaler Intermediate Root CA, O=Zscaler Inc.");
        assert_eq!(
            names.hide("CN=Acme TLS Inspection 2, O=Acme Corp, C=DE; by Zscaler Inc."),
            "CN=issuer-1, O=issuer-1, C=DE; by Zscaler Inc."
        );
    }

    #[test]
    fn names_are_found_in_foreign_texts_and_file_names_are_not() {
        let mut names = Names::new();
        names.add_from(
            "1.1 squid.acme.corp (squid/5.7), /opt/gitlab/embedded/ssl/cert.pem, gitlab.rb, http://wpad/x",
        );
        assert_eq!(
            names.hide("squid.acme.corp gitlab.rb cert.pem //wpad/"),
            "host-1 gitlab.rb cert.pem //host-2/"
        );
    }
}
