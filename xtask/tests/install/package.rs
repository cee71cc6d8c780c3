//! A package of the binary as built for tests, and the trials of its files.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use libtest_mimic::{Failed, Trial};
use ring::digest::{SHA256, digest};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The archive of a provider.
struct Archive {
    provider: &'static str,
    name: String,
    bytes: Vec<u8>,
}

/// A package in a folder.
pub struct Package {
    folder: TempDir,
    binary: PathBuf,
}

impl Package {
    /// The package, which is made once.
    pub fn made() -> Result<&'static Self, Failed> {
        static MADE: OnceLock<Result<Package, String>> = OnceLock::new();
        let made = MADE.get_or_init(|| Self::make(&[]).map_err(|error| error.to_string()));
        made.as_ref().map_err(Failed::from)
    }

    /// Makes a package, with these further options.
    fn make(options: &[&str]) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let binary = binary()?;
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["package", "--target", "x86_64-unknown-linux-musl"])
            .arg("--binary")
            .arg(&binary)
            .arg("--out")
            .arg(folder.path())
            .args(options)
            .output()?;
        match output.status.success() {
            true => Ok(Self { folder, binary }),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }

    fn file(&self, ending: &str) -> PathBuf {
        let name = format!("terraform-provider-proxmox_{VERSION}_{ending}");
        self.folder.path().join(name)
    }

    /// Puts the archives of both providers where a folder of plugins has them.
    pub fn lay_out(&self, mirror: &Path, registry: &str) -> std::io::Result<()> {
        for archive in self.archives()? {
            let folder = mirror.join(registry).join(archive.provider);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(archive.name), archive.bytes)?;
        }
        Ok(())
    }

    /// Puts the archives of both providers where a mirror over the network has them, with their
    /// descriptions.
    pub fn lay_out_for_the_network(&self, mirror: &Path, registry: &str) -> std::io::Result<()> {
        self.lay_out(mirror, registry)?;
        for archive in self.archives()? {
            let folder = mirror.join(registry).join(archive.provider);
            let versions = serde_json::json!({ "versions": { VERSION: {} } });
            fs::write(folder.join("index.json"), versions.to_string())?;
            let hash: String = digest(&SHA256, &archive.bytes)
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let archives = serde_json::json!({
                "archives": {
                    "linux_amd64": { "url": archive.name, "hashes": [format!("zh:{hash}")] },
                },
            });
            let name = format!("{VERSION}.json");
            fs::write(folder.join(name), archives.to_string())?;
        }
        Ok(())
    }

    /// The archive of each provider, with its name.
    fn archives(&self) -> std::io::Result<[Archive; 2]> {
        let own = self.file("linux_amd64.zip");
        let name = |provider| format!("terraform-provider-{provider}_{VERSION}_linux_amd64.zip");
        let mut second = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().unix_permissions(0o755);
        second.start_file(format!("terraform-provider-second_v{VERSION}"), options)?;
        second.write_all(&fs::read(&self.binary)?)?;
        Ok([
            Archive {
                provider: "depl0y/proxmox",
                name: name("proxmox"),
                bytes: fs::read(own)?,
            },
            Archive {
                provider: "example/second",
                name: name("second"),
                bytes: second.finish()?.into_inner(),
            },
        ])
    }
}

/// The provider as built for tests.
fn binary() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--locked", "--quiet"])
        .args(["--bin", "terraform-provider-proxmox"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()?;
    if !status.success() {
        return Err("the provider does not build".into());
    }
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    Ok(xtask.with_file_name("terraform-provider-proxmox"))
}

/// The trials that need no command line of Terraform.
pub fn trials() -> Vec<Trial> {
    let has_gpg = Command::new("gpg").arg("--version").output().is_ok();
    let signed = "signed (needs gpg)";
    vec![
        Trial::test("the_same_twice", the_same_twice),
        Trial::test("files_of_a_registry", files_of_a_registry),
        Trial::test(signed, the_signature_is_verified).with_ignored_flag(!has_gpg),
    ]
}

fn the_same_twice() -> Result<(), Failed> {
    let (one, other) = (Package::make(&[])?, Package::make(&[])?);
    let sums = |package: &Package| fs::read_to_string(package.file("SHA256SUMS"));
    match sums(&one)? == sums(&other)? {
        true => Ok(()),
        false => Err(format!("{}\n{}", sums(&one)?, sums(&other)?).into()),
    }
}

fn files_of_a_registry() -> Result<(), Failed> {
    let package = Package::made()?;
    let archive = File::open(package.file("linux_amd64.zip"))?;
    let mut archive = zip::ZipArchive::new(archive)?;
    let program = archive.by_name(&format!("terraform-provider-proxmox_v{VERSION}"))?;
    assert_eq!(program.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    assert_eq!(program.size(), fs::metadata(&package.binary)?.len());
    let manifest = fs::read(package.file("manifest.json"))?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest)?;
    assert_eq!(manifest["metadata"]["protocol_versions"][0], "6.0");
    let bill = fs::read(package.file("sbom.cdx.json"))?;
    let bill: serde_json::Value = serde_json::from_slice(&bill)?;
    let has = |name: &str| {
        let components = bill["components"].as_array().into_iter().flatten();
        components
            .into_iter()
            .any(|component| component["name"] == name)
    };
    assert!(has("rustls") && has("tonic") && !has("proptest") && !has("cli-harness"));
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict"])
        .arg(package.file("SHA256SUMS"))
        .current_dir(package.folder.path())
        .output()?;
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.matches(": OK").count(), 3, "{checked}");
    Ok(())
}

fn the_signature_is_verified() -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let key = "release@example.com";
    let gpg = |arguments: &[&str]| {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", home.path())
            .arg("--batch")
            .args(arguments);
        gpg.output()
    };
    let made = [
        "--passphrase",
        "",
        "--quick-generate-key",
        key,
        "rsa3072",
        "sign",
    ];
    let made = gpg(&made)?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    let folder = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["package", "--no-build", "--key", key, "--out"])
        .arg(folder.path())
        .env("GNUPGHOME", home.path())
        .output()?;
    assert!(output.status.success(), "{output:?}");
    let sums = folder
        .path()
        .join(format!("terraform-provider-proxmox_{VERSION}_SHA256SUMS"));
    let signature = format!("{}.sig", sums.display());
    let verify = |sums: &Path| gpg(&["--verify", &signature, &sums.to_string_lossy()]);
    assert!(verify(&sums)?.status.success());
    fs::write(&sums, "changed")?;
    assert!(!verify(&sums)?.status.success());
    // gpg starts an agent, which holds the folder.
    Command::new("gpgconf")
        .env("GNUPGHOME", home.path())
        .args(["--kill", "all"])
        .status()?;
    Ok(())
}
