//! The task `docs`: the reference documentation in the layout of the registries.
//!
//! `tfplugindocs` renders it from the schema of the provider, the templates in `docs/templates` and
//! the configurations in `examples`. It works in a folder of its own, so that the rendered pages can
//! be compared with those in `docs` before they replace them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli_harness::{Cli, PINS, Scratch, TFPLUGINDOCS};
use tempfile::TempDir;
use terraform_provider_proxmox::provider::documentation::tables;

use crate::Problem;
use crate::workspace;

/// What `tfplugindocs` renders in `docs`. The other pages there are written by hand.
const RENDERED: [&str; 8] = [
    "index.md",
    "actions",
    "data-sources",
    "ephemeral-resources",
    "functions",
    "guides",
    "list-resources",
    "resources",
];

/// The source address under which `tfplugindocs` looks for the schema of a provider by this name.
const SOURCE: &str = "hashicorp/proxmox";

/// Runs the task.
pub fn run(mut arguments: lexopt::Parser) -> Result<(), Problem> {
    let mut check = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            lexopt::Arg::Long("check") => check = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let rendered = Rendered::new()?;
    let (current, new) = (pages(&workspace::root().join("docs"))?, rendered.pages()?);
    if check {
        return compare(&current, &new);
    }
    for page in current.keys().filter(|page| !new.contains_key(*page)) {
        fs::remove_file(workspace::root().join("docs").join(page))?;
    }
    for (page, text) in &new {
        let path = workspace::root().join("docs").join(page);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// Names the pages that are not current.
fn compare(
    current: &BTreeMap<PathBuf, String>,
    new: &BTreeMap<PathBuf, String>,
) -> Result<(), Problem> {
    let pages = current.keys().chain(new.keys());
    let mut stale: Vec<String> = pages
        .filter(|page| current.get(*page) != new.get(*page))
        .map(|page| format!("  docs/{}", page.display()))
        .collect();
    stale.sort();
    stale.dedup();
    if stale.is_empty() {
        return Ok(());
    }
    let pages = stale.join("\n");
    Err(format!("These pages are not current. Run `cargo xtask docs`.\n{pages}").into())
}

/// A folder with the rendered documentation.
struct Rendered(TempDir);

impl Rendered {
    /// Renders the documentation and validates it.
    fn new() -> Result<Self, Problem> {
        let folder = tempfile::tempdir()?;
        let root = workspace::root();
        copy(&root.join("examples"), &folder.path().join("examples"))?;
        copy(
            &root.join("docs/templates"),
            &folder.path().join("templates"),
        )?;
        fill(&folder.path().join("templates"))?;
        fs::write(folder.path().join("schema.json"), schema()?)?;
        let rendered = Self(folder);
        rendered.tfplugindocs("generate", &["--rendered-provider-name", "Proxmox VE"])?;
        rendered.tfplugindocs("validate", &[])?;
        Ok(rendered)
    }

    fn tfplugindocs(&self, command: &str, options: &[&str]) -> Result<(), Problem> {
        let folder = self.0.path();
        let output = Command::new(TFPLUGINDOCS.build()?)
            .arg(command)
            .args(["--provider-name", "proxmox"])
            .args(["--providers-schema", "schema.json"])
            .args(options)
            .current_dir(folder)
            .output()?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let errors = String::from_utf8_lossy(&output.stderr);
                let errors = errors.lines().filter(|line| !line.contains("[DEBUG]"));
                let errors = errors.collect::<Vec<_>>().join("\n");
                Err(format!("tfplugindocs {command} failed:\n{errors}").into())
            }
        }
    }

    fn pages(&self) -> Result<BTreeMap<PathBuf, String>, Problem> {
        pages(&self.0.path().join("docs"))
    }
}

/// Fills the tables that the code defines into the templates that name them, as in
/// `<!-- table: statuses -->`.
fn fill(templates: &Path) -> Result<(), Problem> {
    for entry in fs::read_dir(templates)? {
        let path = entry?.path();
        if path.is_dir() {
            fill(&path)?;
            continue;
        }
        let mut text = fs::read_to_string(&path)?;
        for (name, table) in tables() {
            text = text.replace(&format!("<!-- table: {name} -->\n"), &table);
        }
        if text.contains("<!-- table:") {
            return Err(format!("{} names a table that does not exist.", path.display()).into());
        }
        fs::write(path, text)?;
    }
    Ok(())
}

/// The schema of the provider as JSON, from the newest pinned Terraform: older versions leave out
/// what they do not have.
fn schema() -> Result<String, Problem> {
    let pin = PINS.iter().find(|pin| pin.program == "terraform");
    let path = pin.ok_or("No version of Terraform is pinned.")?.build()?;
    let terraform = Cli::at("terraform", &path);
    let terraform = terraform.ok_or("The pinned Terraform does not run.")?;
    let scratch = Scratch::for_provider(terraform, SOURCE, &workspace::built_provider()?)?;
    let required = format!(
        "terraform {{\n  required_providers {{\n    proxmox = {{ source = {SOURCE:?} }}\n  }}\n}}\n"
    );
    scratch.write("main.tf", &required)?;
    let run = scratch.run(["providers", "schema", "-json"]);
    match run.ok() {
        true => Ok(run.stdout),
        false => Err(format!("Terraform cannot read the schema:\n{}", run.text()).into()),
    }
}

/// The rendered pages below a folder, by their paths in it.
fn pages(docs: &Path) -> Result<BTreeMap<PathBuf, String>, Problem> {
    let mut pages = BTreeMap::new();
    for name in RENDERED {
        collect(docs, Path::new(name), &mut pages)?;
    }
    Ok(pages)
}

fn collect(docs: &Path, name: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Result<(), Problem> {
    let path = docs.join(name);
    if path.is_dir() {
        for entry in fs::read_dir(&path)? {
            collect(docs, &name.join(entry?.file_name()), pages)?;
        }
    } else if path.extension() == Some(OsStr::new("md")) && path.exists() {
        pages.insert(name.to_owned(), fs::read_to_string(&path)?);
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
