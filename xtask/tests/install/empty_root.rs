//! The packaged binary where there is nothing else: no C library, no resolver, no certificates, as in a
//! container image from scratch.

use std::env;
use std::fs::{self, File};
use std::io;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use libtest_mimic::{Failed, Trial};
use proxmox_simulator::Simulator;
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The name servers: at the first, nothing answers.
const RESOLV_CONF: &str = "search example.test\nnameserver 127.0.5.4\nnameserver 127.0.5.3\n";

/// The trials, ignored with the reason where they cannot run.
pub fn trials() -> Vec<Trial> {
    let lacks = match (packaged(), can_change_root()) {
        (None, _) => Some("needs `cargo xtask package`"),
        (_, false) => Some("needs user namespaces"),
        _ => None,
    };
    let name_server = UdpSocket::bind("127.0.5.3:53");
    let lacks_server = match &name_server {
        Ok(_) => lacks,
        Err(_) => lacks.or(Some("needs port 53")),
    };
    let name = |name: &str, lacks: Option<&str>| match lacks {
        Some(lacks) => format!("{name} ({lacks})"),
        None => name.to_owned(),
    };
    vec![
        Trial::test(name("in_an_empty_root", lacks), by_the_file_of_hosts)
            .with_ignored_flag(lacks.is_some()),
        Trial::test(
            name("in_an_empty_root_with_a_name_server", lacks_server),
            move || by_a_name_server(name_server?),
        )
        .with_ignored_flag(lacks_server.is_some()),
    ]
}

/// The archive that `cargo xtask package` made for this machine.
fn packaged() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/package");
    let name = format!("terraform-provider-proxmox_{VERSION}_linux_amd64.zip");
    Some(folder.join(name)).filter(|path| path.is_file())
}

/// A command that runs a program with another root folder, as its own user.
fn in_root(root: &Path) -> Command {
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--user", "--map-root-user", "--wd=/", "--root"])
        .arg(root);
    unshare
}

fn can_change_root() -> bool {
    let probe = in_root(Path::new("/")).arg("true").output();
    probe.is_ok_and(|output| output.status.success())
}

/// A folder with the packaged binary, and with these two files.
fn empty_root(hosts: &str) -> Result<TempDir, Failed> {
    let root = tempfile::tempdir()?;
    let archive = packaged().ok_or("there is no package")?;
    let mut archive = zip::ZipArchive::new(File::open(archive)?)?;
    let mut packed = archive.by_name(&format!("terraform-provider-proxmox_v{VERSION}"))?;
    let path = root.path().join("provider");
    let mut binary = File::create(&path)?;
    io::copy(&mut packed, &mut binary)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755))?;
    }
    fs::create_dir(root.path().join("etc"))?;
    fs::write(root.path().join("etc/hosts"), hosts)?;
    fs::write(root.path().join("etc/resolv.conf"), RESOLV_CONF)?;
    Ok(root)
}

/// Lets the binary in this root check a simulator under a name.
fn checks(root: &Path, name: &str) -> Result<(), Failed> {
    let sim = Simulator::builder()
        .spawn()
        .map_err(|error| error.to_string())?;
    let secret = sim.state(|state| state.add_token("root@pam!admin", false, None, 0));
    let output = in_root(root)
        .args(["/provider", "check"])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env(
            "PROXMOX_VE_ENDPOINT",
            format!("https://{name}:{}", sim.address().port()),
        )
        .env("PROXMOX_VE_CA_CERTIFICATE", sim.ca_pem())
        .env("PROXMOX_VE_API_TOKEN", format!("root@pam!admin={secret}"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.success() && text.contains("accepts root@pam!admin") {
        true => Ok(()),
        false => Err(format!("{output:?}").into()),
    }
}

fn by_the_file_of_hosts() -> Result<(), Failed> {
    let root = empty_root("127.0.0.1 pve1\n")?;
    checks(root.path(), "pve1")
}

fn by_a_name_server(socket: UdpSocket) -> Result<(), Failed> {
    thread::spawn(move || answer(&socket));
    let root = empty_root("")?;
    // The search domain completes the name.
    checks(root.path(), "pve1")
}

/// Answers every question for an address of `pve1.example.test`, and no other. The name has an address
/// of IPv6 and two of IPv4, and the simulator listens at the last one only.
fn answer(socket: &UdpSocket) -> io::Result<()> {
    const NAME: &[u8] = b"\x04pve1\x07example\x04test\x00";
    const HEADER: usize = 12;
    const IPV4: u8 = 1;
    const IPV6: u8 = 28;
    let mut question = [0; 512];
    loop {
        let (length, client) = socket.recv_from(&mut question)?;
        let question = &question[..length];
        let Some((name, kind)) = question
            .get(HEADER..)
            .and_then(|question| question.split_at_checked(NAME.len()))
        else {
            continue;
        };
        let is_known = name == NAME;
        let addresses: &[&[u8]] = match kind {
            [0, IPV4, ..] if is_known => &[&[127, 0, 9, 9], &[127, 0, 0, 1]],
            [0, IPV6, ..] if is_known => &[&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
            _ => &[],
        };
        let mut response = question.to_vec();
        // A response, recursion available; the code for a name that does not exist.
        response[2] |= 0x80;
        response[3] = 0x80 | if is_known { 0 } else { 3 };
        response[7] = addresses.len() as u8;
        response[10..12].fill(0);
        for address in addresses {
            // The name of the question, an address of the internet, valid for a minute.
            let length = address.len() as u8;
            response.extend([0xc0, HEADER as u8, 0, kind[1], 0, 1, 0, 0, 0, 60, 0, length]);
            response.extend(*address);
        }
        socket.send_to(&response, client)?;
    }
}
