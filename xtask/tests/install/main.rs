//! The packages of a release: each command line installs them with `init`, as users do, from a folder
//! and from a mirror over HTTPS, beside another provider.

mod empty_root;
mod mirror;
mod package;

use std::process::ExitCode;

use cli_harness::{Cli, Run, Scratch};
use libtest_mimic::{Arguments, Failed, Trial};
use proxmox_simulator::Simulator;

use crate::mirror::NetworkMirror;
use crate::package::Package;

/// A scenario of one command line.
type Scenario = fn(&Cli, &'static Package) -> Result<(), Failed>;

const SCENARIOS: [(&str, Scenario); 3] = [
    ("installed_from_a_folder", installed_from_a_folder),
    (
        "installed_from_the_folder_for_plugins_of_the_user",
        installed_from_the_folder_of_the_user,
    ),
    ("installed_from_a_mirror", installed_from_a_mirror),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = package::trials();
    trials.extend(empty_root::trials());
    for cli in Cli::found() {
        for (name, scenario) in SCENARIOS {
            let cli = cli.clone();
            let name = format!("{cli}: {name}");
            trials.push(Trial::test(name, move || scenario(&cli, Package::made()?)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Two providers, of which the second is the same binary under another address.
const CONFIGURATION: &str = r#"terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
    second  = { source = "example/second" }
  }
}

resource "proxmox_api_token" "t" {
  user_id    = "root@pam"
  token_name = "packaged"
}

data "proxmox_connection" "of_the_second" {
  provider      = second
  fail_on_error = true
}
"#;

/// The host of the registry that a command line takes a provider from.
fn registry(cli: &Cli) -> &'static str {
    match cli.name {
        "tofu" => "registry.opentofu.org",
        _ => "registry.terraform.io",
    }
}

fn installed_from_a_folder(cli: &Cli, package: &'static Package) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    package.lay_out(folder.path(), registry(cli))?;
    let settings = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = {:?}\n  }}\n}}\n",
        folder.path()
    );
    installs(&scratch(cli, &settings)?)
}

fn installed_from_the_folder_of_the_user(
    cli: &Cli,
    package: &'static Package,
) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let plugins = home.path().join(".terraform.d/plugins");
    package.lay_out(&plugins, registry(cli))?;
    let mut scratch = scratch(cli, "")?;
    scratch.set("HOME", &home.path().to_string_lossy());
    installs(&scratch)
}

fn installed_from_a_mirror(cli: &Cli, package: &'static Package) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    package.lay_out_for_the_network(folder.path(), registry(cli))?;
    let mirror = NetworkMirror::serve(folder.path().to_owned())?;
    let settings = format!(
        "provider_installation {{\n  network_mirror {{\n    url = {:?}\n  }}\n}}\n",
        mirror.url
    );
    let mut scratch = scratch(cli, &settings)?;
    scratch.write("ca.pem", &mirror.authority)?;
    let authority = scratch.file("ca.pem");
    scratch.set("SSL_CERT_FILE", &authority.to_string_lossy());
    installs(&scratch)
}

/// A working directory with these settings of the command line, and no override of a provider.
fn scratch(cli: &Cli, settings: &str) -> Result<Scratch, Failed> {
    let scratch = Scratch::new(cli.clone(), std::path::Path::new("unused"))?;
    scratch.write("cli.tfrc", settings)?;
    scratch.write("main.tf", CONFIGURATION)?;
    Ok(scratch)
}

/// Installs with a plain `init`, then from the lock file alone, and applies.
fn installs(scratch: &Scratch) -> Result<(), Failed> {
    succeeds(&scratch.run(["init", "-no-color"]))?;
    let lock = std::fs::read_to_string(scratch.file(".terraform.lock.hcl"))?;
    for provider in ["depl0y/proxmox", "example/second"] {
        if !lock.contains(provider) || !lock.contains("h1:") {
            return Err(format!("the lock file lacks {provider} or its hash:\n{lock}").into());
        }
    }
    std::fs::remove_dir_all(scratch.file(".terraform"))?;
    succeeds(&scratch.run(["init", "-no-color", "-lockfile=readonly"]))?;
    let sim = Simulator::builder()
        .spawn()
        .map_err(|error| error.to_string())?;
    let secret = sim.state(|state| state.add_token("root@pam!admin", false, None, 0));
    let token = format!("root@pam!admin={secret}");
    let mut apply = scratch.command(["apply", "-auto-approve", "-no-color"]);
    let output = apply
        .env("PROXMOX_VE_ENDPOINT", sim.endpoint())
        .env("PROXMOX_VE_API_TOKEN", token)
        .env(
            "PROXMOX_VE_CERTIFICATE_FINGERPRINTS",
            sim.certificate_fingerprint(),
        )
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    match sim.state(|state| state.token("root@pam", "packaged").is_some()) {
        true => Ok(()),
        false => Err("the token was not created".into()),
    }
}

fn succeeds(run: &Run) -> Result<(), Failed> {
    match run.ok() {
        true => Ok(()),
        false => Err(run.text().into()),
    }
}
