//! The files of a node on which the Linux package runs everything, for `--sysroot`: laid out as reconfigure leaves
//! them, with the environment and the trust of each component as a test wants them.

use crate::support::authority::Authority;
use crate::support::child;
use crate::support::configuration;
use crate::support::world::RESOLVER;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Variables of an environment: names and values.
pub(crate) type Variables<'a> = &'a [(&'a str, &'a str)];

/// The environment of Puma and Sidekiq, and that of Workhorse.
const RAILS: &str = "gitlab-rails";
const WORKHORSE: &str = "gitlab-workhorse";

/// The services of the package that matter for Duo, with whose environment each runs and what it starts.
const SERVICES: [(&str, &str, &str); 3] = [
    ("puma", RAILS, "/opt/gitlab/embedded/bin/bundle exec puma -C /var/opt/gitlab/gitlab-rails/etc/puma.rb"),
    ("sidekiq", RAILS, "/opt/gitlab/embedded/service/gitlab-rails/bin/sidekiq-cluster -e production"),
    (WORKHORSE, WORKHORSE, "/opt/gitlab/embedded/bin/gitlab-workhorse -listenNetwork unix"),
];

/// The tree; dropping it removes it.
pub(crate) struct NodeTree {
    directory: TempDir,
}

impl NodeTree {
    /// GitLab 18.9.1 EE, whose every store trusts nobody yet, with these variables beside the package's own.
    pub(crate) fn new(rails: Variables, workhorse: Variables) -> NodeTree {
        let directory = configuration::directory();
        let tree = NodeTree { directory };
        let application = "opt/gitlab/embedded/service/gitlab-rails";
        tree.write(&format!("{application}/VERSION"), "18.9.1-ee\n");
        tree.write(&format!("{application}/ee/LICENSE"), "");
        tree.write("opt/gitlab/version-manifest.txt", "gitlab-ee 18.9.1\n");
        tree.write("etc/gitlab/gitlab.rb", &gitlab_rb(rails, workhorse));
        tree.write("etc/hostname", "gitlab\n");
        tree.write("etc/hosts", "127.0.0.1 localhost\n");
        tree.write("etc/nsswitch.conf", "hosts: files dns\n");
        tree.write("etc/resolv.conf", &format!("nameserver {RESOLVER}\n"));
        for (service, environment, program) in SERVICES {
            let run = format!("opt/gitlab/sv/{service}/run");
            tree.write(&run, &run_file(environment, program));
            tree.link(&format!("opt/gitlab/service/{service}"), &format!("/opt/gitlab/sv/{service}"));
        }
        let certificates = ("SSL_CERT_DIR", "/opt/gitlab/embedded/ssl/certs/");
        let own =
            [certificates, ("SSL_CERT_FILE", "/opt/gitlab/embedded/ssl/cert.pem"), ("TZ", ":/etc/localtime")];
        tree.environment(RAILS, &[&own, rails].concat());
        let own = [certificates, ("HOME", "/var/opt/gitlab"), ("GODEBUG", "tlsmlkem=0")];
        tree.environment(WORKHORSE, &[&own, workhorse].concat());
        tree.write("opt/gitlab/embedded/ssl/cert.pem", "");
        tree.link("opt/gitlab/embedded/ssl/certs/cacert.pem", "../cert.pem");
        tree.write("etc/ssl/certs/ca-certificates.crt", "");
        tree
    }

    /// Trusted by everybody, as a public authority is.
    pub(crate) fn public(self, authority: &Authority) -> NodeTree {
        self.add("opt/gitlab/embedded/ssl/cert.pem", authority);
        self.trusted_by_the_system(authority)
    }

    /// Trusted by the operating system only: what `update-ca-certificates` does.
    pub(crate) fn trusted_by_the_system(self, authority: &Authority) -> NodeTree {
        self.add("etc/ssl/certs/ca-certificates.crt", authority);
        self
    }

    /// Trusted by GitLab: what reconfigure makes of a file in `/etc/gitlab/trusted-certs`.
    pub(crate) fn trusted_by_gitlab(self, authority: &Authority, name: &str) -> NodeTree {
        self.write(&format!("etc/gitlab/trusted-certs/{name}.crt"), &authority.root_pem());
        let own = format!("/etc/gitlab/trusted-certs/{name}.crt");
        self.link(&format!("opt/gitlab/embedded/ssl/certs/{}.0", subject_hash(authority)), &own);
        self
    }

    /// Where Workhorse's socket stands unless somebody says otherwise; for a server to open.
    pub(crate) fn workhorse_socket(&self) -> PathBuf {
        self.place("var/opt/gitlab/gitlab-workhorse/sockets/socket")
    }

    /// Workhorse listens by TCP: what reconfigure makes of `gitlab_workhorse['listen_network'] = "tcp"`.
    pub(crate) fn workhorse_by_tcp(&self, address: SocketAddr) {
        self.set(&format!(
            "gitlab_workhorse['listen_network'] = \"tcp\"\ngitlab_workhorse['listen_addr'] = \"{address}\"\n"
        ));
        let program =
            format!("/opt/gitlab/embedded/bin/gitlab-workhorse -listenNetwork tcp -listenAddr {address}");
        self.write("opt/gitlab/sv/gitlab-workhorse/run", &run_file(WORKHORSE, &program));
    }

    /// A service beside those that every tree has.
    pub(crate) fn enable(&self, service: &str) {
        self.link(&format!("opt/gitlab/service/{service}"), &format!("/opt/gitlab/sv/{service}"));
    }

    /// Adds lines to `gitlab.rb`.
    pub(crate) fn set(&self, lines: &str) {
        let file = self.place("etc/gitlab/gitlab.rb");
        let before = fs::read_to_string(&file).expect("the tree has the file");
        fs::write(file, before + lines).expect("the test's own directory is writable");
    }

    /// The instance has this URL.
    pub(crate) fn external_url(&self, url: &str) {
        let file = self.place("etc/gitlab/gitlab.rb");
        let before = fs::read_to_string(&file).expect("the tree has the file");
        let after = before.replace("https://gitlab.example.com'", &format!("{url}'"));
        fs::write(file, after).expect("the test's own directory is writable");
    }

    /// The instance's name leads to this address, which is the node's own.
    pub(crate) fn leads_to_itself(&self, address: Ipv4Addr) {
        self.write("etc/hosts", &format!("127.0.0.1 localhost\n{address} gitlab.example.com\n"));
        self.write("proc/net/fib_trie", &format!("Main:\n  |-- {address}\n     /32 host LOCAL\n"));
    }

    /// Starts a program with the tree as its root, as if the node were this machine: what its files say then holds for
    /// certain. Programs, libraries and the directories of tests are those of this machine, processes are its own. For
    /// root only.
    pub(crate) fn as_root(&self) -> Command {
        const ENTER: &str = r#"set -e
root=$1 program=$2
shift
for directory in /usr /dev /tmp "$(dirname "$program")"; do
    mkdir -p "$root$directory"
    mount --bind "$directory" "$root$directory"
done
for link in bin sbin lib lib64; do [ -e "$root/$link" ] || ln -s "usr/$link" "$root/$link"; done
mkdir -p "$root/proc"
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"
"#;
        let mut command = child::command("/usr/bin/unshare");
        command.args(["--mount", "--pid", "--fork", "/bin/sh", "-c", ENTER, "enter"]).arg(self.path());
        command
    }

    /// Its directory.
    pub(crate) fn path(&self) -> String {
        self.directory.path().display().to_string()
    }

    /// Writes a file, `path` being that on the node.
    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.place(path), text).expect("the test's own directory is writable");
    }

    fn add(&self, path: &str, authority: &Authority) {
        let place = self.place(path);
        let before = fs::read_to_string(&place).expect("the tree has the file");
        fs::write(place, before + &authority.root_pem()).expect("the test's own directory is writable");
    }

    fn environment(&self, component: &str, variables: Variables) {
        for (name, value) in variables {
            self.write(&format!("opt/gitlab/etc/{component}/env/{name}"), value);
        }
    }

    fn link(&self, path: &str, to: &str) {
        symlink(to, self.place(path)).expect("the test's own directory is writable");
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.directory.path().join(path.trim_start_matches('/'));
        let parent = place.parent().expect("the path has a directory");
        fs::create_dir_all(parent).expect("the test's own directory is writable");
        place
    }
}

fn gitlab_rb(rails: Variables, workhorse: Variables) -> String {
    let mut text = "external_url 'https://gitlab.example.com'\n".to_owned();
    for (key, variables) in [("gitlab_rails", rails), ("gitlab_workhorse", workhorse)] {
        if variables.is_empty() {
            continue;
        }
        let pairs: Vec<String> =
            variables.iter().map(|(name, value)| format!("  '{name}' => '{value}'")).collect();
        writeln!(text, "{key}['env'] = {{\n{}\n}}", pairs.join(",\n")).expect("a text takes more text");
    }
    text
}

fn run_file(environment: &str, program: &str) -> String {
    format!(
        "#!/bin/sh\nexec 2>&1\ncd /var/opt/gitlab\nexec chpst -e /opt/gitlab/etc/{environment}/env -P \\\n  \
         -U git:git \\\n  -u git:git \\\n  {program}\n"
    )
}

/// The name by which OpenSSL looks a root up in a directory.
fn subject_hash(authority: &Authority) -> String {
    let mut command = child::command("/usr/bin/openssl");
    command.args(["x509", "-noout", "-hash", "-in"]).arg(authority.root_file());
    let output = command.output().expect("this needs OpenSSL: apt-get install -y openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
