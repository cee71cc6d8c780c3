//! The software bill of materials of a release, in the format of CycloneDX.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use crate::package::NAME;
use crate::{Problem, workspace};

/// The bill of the packages that the binary is built from on any target. It has neither a serial
/// number nor a date, so that it depends on the commit alone.
pub fn bill() -> Result<String, Problem> {
    let metadata = metadata()?;
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let (root, _) = packages
        .iter()
        .find(|(_, package)| package["name"] == NAME)
        .ok_or("The workspace has no provider.")?;
    let linked = linked(root, &nodes);
    let components: Vec<Value> = linked
        .iter()
        .filter(|id| *id != root)
        .map(|id| component(packages[id], "library"))
        .collect();
    let dependencies: Vec<Value> = linked
        .iter()
        .map(|id| {
            let on: Vec<String> = needed_by(nodes[id])
                .into_iter()
                .map(|id| purl(packages[id]))
                .collect();
            json!({ "ref": purl(packages[id]), "dependsOn": on })
        })
        .collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(packages[root], "application") },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(format!("{bill:#}\n"))
}

fn metadata() -> Result<Value, Problem> {
    let output = Command::new(workspace::cargo())
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(workspace::root())
        .output()?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout)?),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

fn by_id(list: &Value) -> BTreeMap<&str, &Value> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|one| Some((one["id"].as_str()?, one)))
        .collect()
}

/// A package and all that is linked with it.
fn linked<'a>(root: &'a str, nodes: &BTreeMap<&'a str, &'a Value>) -> BTreeSet<&'a str> {
    let mut linked = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        if linked.insert(id) {
            waiting.extend(needed_by(nodes[id]));
        }
    }
    linked
}

/// The packages that one package needs when it runs, rather than to be built or tested.
fn needed_by(node: &Value) -> BTreeSet<&str> {
    let needed = node["deps"].as_array().into_iter().flatten();
    let is_normal = |dependency: &&Value| {
        let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.into_iter().any(|kind| kind["kind"].is_null())
    };
    needed
        .filter(is_normal)
        .filter_map(|dependency| dependency["pkg"].as_str())
        .collect()
}

fn component(package: &Value, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    });
    if let Some(licence) = package["license"].as_str() {
        // An older way to write an alternative.
        let alternatives: Vec<&str> = licence.split('/').map(str::trim).collect();
        let expression = alternatives.join(" OR ");
        component["licenses"] = json!([{ "expression": expression }]);
    }
    component
}

fn purl(package: &Value) -> String {
    let text = |name: &str| {
        package[name]
            .as_str()
            .unwrap_or_default()
            .replace('+', "%2B")
    };
    format!("pkg:cargo/{}@{}", text("name"), text("version"))
}
