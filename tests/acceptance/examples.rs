//! The examples of the documentation: every item of the catalog has one, and every example is valid
//! and formatted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cli_harness::Cli;
use terraform_provider_proxmox::provider::catalog;

use super::Scenario;
use super::test_server::TestServer;

pub const SCENARIOS: &[Scenario] = scenarios![every_example_is_valid, everything_has_an_example,];

/// A configuration that stands alone says where the provider comes from; examples leave it out.
const SOURCE: &str = r#"terraform {
  required_providers {
    proxmox = { source = "depl0y/proxmox" }
  }
}
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The names of what is in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder of examples");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

fn files() -> Vec<PathBuf> {
    let mut files = vec![root().join("provider/provider.tf")];
    for (kind, file) in [
        ("resources", "resource.tf"),
        ("data-sources", "data-source.tf"),
        ("functions", "function.tf"),
    ] {
        let folder = root().join(kind);
        let found = names(&folder).into_iter();
        files.extend(found.map(|name| folder.join(name).join(file)));
    }
    files
}

fn every_example_is_valid(cli: &Cli) {
    let server = TestServer::new(cli);
    let authority = server.sim.ca_pem();
    for file in ["pve-root-ca.pem", "company-ca.pem"] {
        server.scratch.write(file, authority).expect("an authority");
    }
    for file in files() {
        let example = fs::read_to_string(&file).expect("an example");
        let whole = format!("{SOURCE}{example}");
        server.scratch.write("main.tf", &whole).expect("main.tf");
        let run = server.scratch.run(["validate", "-no-color"]);
        assert!(run.ok(), "{}: {}", file.display(), run.text());
        let format = ["fmt", "-check", "-no-color", "main.tf"];
        assert!(server.scratch.run(format).ok(), "{}", file.display());
    }
}

fn everything_has_an_example(_: &Cli) {
    let catalog = catalog();
    let offered = [
        ("resources", catalog.resources.into_keys().collect()),
        ("data-sources", catalog.data_sources.into_keys().collect()),
        ("functions", catalog.functions.into_keys().collect()),
    ];
    for (kind, offered) in offered {
        let offered: BTreeSet<String> = offered;
        assert_eq!(names(&root().join(kind)), offered, "{kind}");
    }
}
