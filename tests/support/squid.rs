//! Debian's Squid as forward proxy, with the name resolution of its own that a company's proxy has.

use crate::support::authority::{Authority, Identity};
use crate::support::child::{self, Server};
use crate::support::configuration;
use crate::support::loopback;
use crate::support::world::{PROXY, World};
use std::fs::{self, Permissions};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = "/usr/sbin/squid";

/// The build with OpenSSL: only that one can open connections.
const PACKAGES: &str = "squid-openssl";

/// Signs certificates for a Squid that opens connections.
const CERTIFICATE_HELPER: &str = "/usr/lib/squid/security_file_certgen";

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
    directory: TempDir,
}

impl Squid {
    /// Starts Squid under `policy`. It finds `names` at `upstream`.
    pub(crate) fn start(policy: Policy, names: &[&str], upstream: IpAddr) -> Squid {
        let directory = configuration::directory();
        let address = loopback::random_socket();
        write(&directory.path().join("hosts"), &format!("{upstream} {}\n", names.join(" ")));
        let listen = format!("http_port {address}\n");
        let settings = settings(directory.path(), &listen, &access(policy, directory.path()));
        write(&directory.path().join("squid.conf"), &settings);
        let mut squid = Squid::run(child::command(PROGRAM), directory, address);
        squid.server.wait_until_it_accepts(address);
        squid
    }

    /// Starts Squid outside, at `PROXY`.
    pub(crate) fn outside(world: &World, policy: Policy) -> Squid {
        let directory = configuration::directory();
        let listen = format!("http_port {PROXY}\n");
        let access = access(policy, directory.path());
        Squid::within(world, directory, &listen, &access)
    }

    /// Starts Squid outside, at `PROXY`: it opens every connection with a certificate of `inspector`.
    pub(crate) fn inspecting(world: &World, inspector: &Authority) -> Squid {
        let directory = configuration::directory();
        let here = directory.path().display();
        let write_here = |name: &str, text: &str| write(&directory.path().join(name), text);
        write_here("inspector.pem", &format!("{}{}", inspector.root_pem(), inspector.key_pem()));
        write_here("services.pem", &world.authority.root_pem());
        let certificates = directory.path().join("certificates");
        let mut helper = Command::new(CERTIFICATE_HELPER);
        let made = helper.arg("-c").arg("-s").arg(&certificates).args(["-M", "4MB"]).output();
        let made = made.unwrap_or_else(|error| {
            panic!(
                "{CERTIFICATE_HELPER}: {error}; this needs Squid with OpenSSL: apt-get install -y {PACKAGES}"
            )
        });
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        open_to_all(&certificates);
        let listen = format!(
            "http_port {PROXY} ssl-bump tls-cert={here}/inspector.pem generate-host-certificates=on
sslcrtd_program {CERTIFICATE_HELPER} -s {here}/certificates -M 4MB
sslcrtd_children 1 startup=1
tls_outgoing_options cafile={here}/services.pem
acl begin at_step SslBump1
ssl_bump peek begin
ssl_bump bump all
"
        );
        Squid::within(world, directory, &listen, "http_access allow all\n")
    }

    /// Starts Squid outside, at `PROXY`, spoken to over TLS.
    pub(crate) fn over_tls(world: &World, identity: &Identity) -> Squid {
        let directory = configuration::directory();
        let both = format!("{}{}", identity.chain_pem, identity.key_pem);
        write(&directory.path().join("own.pem"), &both);
        let listen = format!("https_port {PROXY} tls-cert={}/own.pem\n", directory.path().display());
        let access = access(Policy::Open, directory.path());
        Squid::within(world, directory, &listen, &access)
    }

    fn within(world: &World, directory: TempDir, listen: &str, access: &str) -> Squid {
        // Outside, the names stand in the namespace's own file.
        fs::copy(world.outside.file("hosts"), directory.path().join("hosts")).expect("both are readable");
        fs::set_permissions(directory.path().join("hosts"), Permissions::from_mode(0o644))
            .expect("the file is ours");
        let settings = settings(directory.path(), listen, access);
        write(&directory.path().join("squid.conf"), &settings);
        let mut squid = Squid::run(world.outside.command(PROGRAM), directory, PROXY);
        world.wait_until_it_accepts(&mut squid.server, PROXY);
        squid
    }

    /// Runs Squid by `command` with the `squid.conf` that stands in `directory`.
    pub(crate) fn run(command: Command, directory: TempDir, address: SocketAddr) -> Squid {
        write(&directory.path().join("passwords"), &password_line());
        // Names Squid's shared memory, so that two proxies at the same time do not share it.
        let service = format!("duodoctor{:08x}", u32::from(loopback::random_address()));
        let server = serve(command, &service, directory.path());
        Squid { server, address, service, directory }
    }

    /// Ends this one and runs another with the `squid.conf` as it stands now. Not for one that runs outside.
    pub(crate) fn restart(&mut self) {
        self.server.stop();
        self.forget_shared_memory();
        self.server = serve(child::command(PROGRAM), &self.service, self.directory.path());
    }

    /// The proxy's URL without credentials.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The proxy's URL with `credentials`.
    pub(crate) fn url_with(&self, credentials: &str) -> String {
        format!("http://{credentials}@{}", self.address)
    }

    fn forget_shared_memory(&self) {
        for file in self.shared_memory() {
            let _gone = fs::remove_file(file);
        }
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

fn serve(mut command: Command, service: &str, directory: &Path) -> Server {
    command.args(["-N", "-d", "1", "-n", service, "-f"]).arg(directory.join("squid.conf"));
    child::start(command, PACKAGES, &directory.join("server.log"))
}

impl Drop for Squid {
    fn drop(&mut self) {
        // A killed Squid leaves its shared memory behind, and a graceful end takes seconds. Unlinking while it still
        // runs is safe: it holds the memory open, and looks it up by name only at its start.
        self.forget_shared_memory();
    }
}

/// What Squid's helper keeps its certificates in, made writable for the user that it runs as.
fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o777)).expect("the file is ours");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the directory is ours").flatten() {
            open_to_all(&entry.path());
        }
    }
}

/// Writes a file that Squid's own user can read.
pub(crate) fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("the test's own directory is writable");
    fs::set_permissions(file, Permissions::from_mode(0o644)).expect("the file is ours");
}

/// A line as `htpasswd` writes it. Squid's helper takes MD5 digests in `$apr1$` form; this is `open-sesame`'s.
fn password_line() -> String {
    "duo:$apr1$duodoctr$TABpxhKx5LHF9NYc42cVl0\n".to_owned()
}

/// Whom Squid serves under a policy.
fn access(policy: Policy, directory: &Path) -> String {
    let here = directory.display();
    match policy {
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
    }
}

/// A whole `squid.conf`, with the lines that listen and those that decide whom it serves.
pub(crate) fn settings(directory: &Path, listen: &str, access: &str) -> String {
    let here = directory.display();
    format!(
        "acl CONNECT method CONNECT
{listen}hosts_file {here}/hosts
pid_filename none
access_log none
cache_log /dev/null
cache deny all
cache_mem 0
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
{access}"
    )
}
