//! Debian's Squid as forward proxy, with the name resolution of its own that a company's proxy has.

use crate::support::child::{self, Server};
use crate::support::loopback;
use std::fs::{self, Permissions};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The user and password that `Policy::Authenticated` accepts, as they stand in a proxy's URL.
pub(crate) const CREDENTIALS: &str = "duo:open-sesame";

/// Whom the proxy serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Policy {
    /// CONNECT to everybody.
    Open,
    /// Nobody: 403 to every request.
    Denied,
    /// Who knows `CREDENTIALS`: 407 to the others.
    Authenticated,
}

/// A running Squid.
pub(crate) struct Squid {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    service: String,
    _directory: TempDir,
}

impl Squid {
    /// Starts Squid under `policy`. It finds `names` at `upstream`.
    pub(crate) fn start(policy: Policy, names: &[&str], upstream: IpAddr) -> Squid {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        // Started as root, Squid becomes the user `proxy`, who has to read the files here.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("the directory is ours");
        let address = loopback::random_socket();
        write(&directory.path().join("hosts"), &format!("{upstream} {}\n", names.join(" ")));
        write(&directory.path().join("passwords"), &password_line());
        let file = directory.path().join("squid.conf");
        write(&file, &configuration(policy, directory.path(), address));
        // Names Squid's shared memory, so that two proxies at the same time do not share it.
        let IpAddr::V4(listen) = address.ip() else {
            unreachable!("the loopback address drawn is an IPv4 one")
        };
        let service = format!("duodoctor{:08x}{:04x}", u32::from(listen), address.port());
        let mut command = child::command("/usr/sbin/squid");
        command.args(["-N", "-d", "1", "-n", &service, "-f"]).arg(&file);
        let server = child::start(command, "squid", &directory.path().join("server.log"));
        let mut squid = Squid { server, address, service, _directory: directory };
        squid.server.wait_until_it_accepts(address);
        squid
    }

    /// The proxy's URL without credentials.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The proxy's URL with `credentials`.
    pub(crate) fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.address)
    }

    /// The shared memory that a Squid of this name uses.
    fn shared_memory(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&self.service))
            .map(|entry| entry.path())
            .collect()
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        // A killed Squid leaves its shared memory behind, and a graceful end takes seconds. Unlinking while it still
        // runs is safe: it holds the memory open, and looks it up by name only at its start.
        for file in self.shared_memory() {
            let _gone = fs::remove_file(file);
        }
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("the test's own directory is writable");
    fs::set_permissions(file, Permissions::from_mode(0o644)).expect("the file is ours");
}

/// A line as `htpasswd` writes it. Squid's helper takes MD5 digests in `$apr1$` form; this is `open-sesame`'s.
fn password_line() -> String {
    "duo:$apr1$duodoctr$TABpxhKx5LHF9NYc42cVl0\n".to_owned()
}

fn configuration(policy: Policy, directory: &Path, listen: SocketAddr) -> String {
    let here = directory.display();
    let access = match policy {
        Policy::Open => "http_access allow CONNECT\nhttp_access deny all\n".to_owned(),
        Policy::Denied => "http_access deny all\n".to_owned(),
        Policy::Authenticated => format!(
            "auth_param basic program /usr/lib/squid/basic_ncsa_auth {here}/passwords
auth_param basic children 1 startup=1
auth_param basic realm Company proxy
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"
        ),
    };
    format!(
        "http_port {listen}
hosts_file {here}/hosts
pid_filename none
access_log none
cache_log /dev/null
cache deny all
cache_mem 0
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
acl CONNECT method CONNECT
{access}"
    )
}
