//! The examples of the documentation: every item of the catalog has one, every example is valid and
//! formatted, applies as it stands, and shows no secret.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cli_harness::Cli;
use proxmox_simulator::Identity;
use terraform_provider_proxmox::provider::catalog;

use super::Scenario;
use super::samples::DAY;
use super::test_server::{AnotherProvider, TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    every_example_is_valid_and_applies,
    no_example_shows_a_secret,
    the_example_beside_another_provider_applies,
    the_complete_example_rotates_unattended,
    the_examples_of_an_import_import,
    everything_has_an_example,
];

/// The example with another provider.
const BESIDE: &str = "guides/beside-another-provider";

/// The password of the owner.
const PASSWORD: &str = "automation-pass-1";

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

/// The examples that a command line can run. A list is no configuration.
fn files(cli: &Cli) -> Vec<PathBuf> {
    let mut files = vec![root().join("provider/provider.tf")];
    let mut kinds = vec![
        ("guides", "main.tf"),
        ("resources", "resource.tf"),
        ("data-sources", "data-source.tf"),
        ("ephemeral-resources", "ephemeral-resource.tf"),
        ("functions", "function.tf"),
    ];
    if cli.has_lists_and_actions() {
        kinds.push(("actions", "action.tf"));
    }
    for (kind, file) in kinds {
        let folder = root().join(kind);
        let found = names(&folder).into_iter();
        files.extend(found.map(|name| folder.join(name).join(file)));
    }
    // Two providers: a scenario of its own.
    files.retain(|file| !file.starts_with(root().join(BESIDE)));
    files
}

/// A server with what the examples name: an owner, its tokens and a group.
fn server(cli: &Cli) -> (TestServer, String) {
    let server = TestServer::new(cli);
    let authority = server.sim.ca_pem();
    for file in ["pve-root-ca.pem", "company-ca.pem"] {
        server.scratch.write(file, authority).expect("an authority");
    }
    let secret = server.sim.state(|state| {
        state.add_user("automation@pve", PASSWORD);
        state.set_acl("/", "Administrator", "automation@pve", true);
        state.add_token("automation@pve!ci", true, None, 0);
        state.add_token("automation@pve!by-hand", false, None, 0)
    });
    (server, secret)
}

fn with_example(server: &TestServer, file: &Path) {
    let example = fs::read_to_string(file).expect("an example");
    server.scratch.write("main.tf", &example).expect("main.tf");
}

/// The arguments for the variables that an example may have.
fn variables(server: &TestServer, file: &Path, secret: &str) -> Vec<String> {
    let example = fs::read_to_string(file).expect("an example");
    let cluster = serde_json::json!({
        "endpoint": server.sim.endpoint(),
        "api_token": server.admin,
    });
    let clusters = serde_json::json!({ "berlin": cluster }).to_string();
    // As the settings of the provider block, which are more than the names of clusters.
    let is_fleet = example.contains("clusters       = var.clusters");
    let values = [
        ("secret", secret),
        ("password", PASSWORD),
        ("clusters", &clusters),
    ];
    values
        .into_iter()
        .filter(|(name, _)| *name != "clusters" || is_fleet)
        .filter(|(name, _)| example.contains(&format!("variable {name:?}")))
        .map(|(name, value)| format!("-var={name}={value}"))
        .collect()
}

fn every_example_is_valid_and_applies(cli: &Cli) {
    for file in files(cli) {
        let (server, secret) = server(cli);
        with_example(&server, &file);
        let format = ["fmt", "-check", "-no-color", "main.tf"];
        assert!(server.scratch.run(format).ok(), "{}", file.display());
        let mut apply = ["apply", "-auto-approve", "-no-color"]
            .map(str::to_owned)
            .to_vec();
        apply.extend(variables(&server, &file, &secret));
        let run = server.scratch.run(&apply);
        assert!(run.ok(), "{}: {}", file.display(), run.text());
    }
}

/// Neither in a plan nor in what an apply prints, also after a rotation, when both are shown.
fn no_example_shows_a_secret(cli: &Cli) {
    for file in files(cli) {
        let (server, secret) = server(cli);
        with_example(&server, &file);
        let run = |command: &[&str]| {
            let mut arguments: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
            arguments.extend(variables(&server, &file, &secret));
            server.scratch.run(&arguments)
        };
        let apply = ["apply", "-auto-approve", "-no-color"];
        let mut runs = vec![run(&apply)];
        server.sim.advance(80 * DAY);
        runs.push(run(&["plan", "-no-color"]));
        runs.push(run(&apply));
        runs.push(run(&["plan", "-no-color", "-destroy"]));
        let secrets: Vec<String> = server.sim.state(|state| {
            let ids = ["automation@pve", "root@pam"]
                .into_iter()
                .flat_map(|owner| {
                    let user = state.user(owner).expect("the owner");
                    let names = user.tokens.keys();
                    names.map(move |name| format!("{owner}!{name}"))
                });
            ids.filter_map(|id| state.token_secret(&id).map(str::to_owned))
                .collect()
        });
        assert!(!secrets.is_empty());
        for run in runs {
            assert!(run.ok(), "{}: {}", file.display(), run.text());
            for secret in &secrets {
                let printed = format!("{}{}", run.stdout, run.stderr);
                assert!(!printed.contains(secret), "{}", file.display());
            }
        }
    }
}

fn the_example_beside_another_provider_applies(cli: &Cli) {
    let (mut server, _) = server(cli);
    let example = fs::read_to_string(root().join(BESIDE).join("main.tf"));
    let example = example.expect("an example");
    let example = example.replace("https://pve1.example.com:8006", &server.sim.endpoint());
    let example = match server.install_another_provider() {
        AnotherProvider::Real => example,
        AnotherProvider::StandIn => {
            example.replace("proxmox_virtual_environment_version", "proxmox_connection")
        }
    };
    server.scratch.unset("PROXMOX_VE_ENDPOINT");
    server.scratch.write("main.tf", &example).expect("main.tf");
    server.apply();
    let owner = server.scratch.run(["output", "-raw", "owner"]);
    assert_eq!(owner.stdout, "automation@pve");
    let used = |identity: &Identity| matches!(identity, Identity::Token(id) if id.starts_with("automation@pve!tf-ephemeral-"));
    let requests = server.sim.requests();
    assert!(requests.iter().any(|request| used(&request.identity)));
}

fn the_complete_example_rotates_unattended(cli: &Cli) {
    let (mut server, _) = server(cli);
    let folder = root().join("complete");
    for name in names(&folder) {
        if name.ends_with(".tf") || name.ends_with(".tfvars") {
            let text = fs::read_to_string(folder.join(&name)).expect("an example");
            server.scratch.write(&name, &text).expect("a file");
        }
    }
    let format = ["fmt", "-check", "-no-color"];
    assert!(server.scratch.run(format).ok());
    let clusters = serde_json::json!({
        "berlin": { "endpoint": server.sim.endpoint(), "api_token": server.admin },
    });
    server.scratch.set("TF_VAR_clusters", &clusters.to_string());
    for name in ["ENDPOINT", "API_TOKEN", "CERTIFICATE_FINGERPRINTS"] {
        server.scratch.unset(&format!("PROXMOX_VE_{name}"));
    }
    let secrets = |server: &TestServer| {
        let output = server.scratch.run(["output", "-json", "tokens"]);
        let tokens: serde_json::Value = serde_json::from_str(&output.stdout).expect("an output");
        let tokens = tokens.as_object().cloned().expect("a map").into_iter();
        tokens
            .map(|(_, token)| token["secret"].as_str().expect("a secret").to_owned())
            .collect::<Vec<_>>()
    };
    let mut runs = vec![server.apply()];
    server.plan_is_empty();
    let first = secrets(&server);
    assert_eq!(first.len(), 2);
    server.sim.advance(80 * DAY);
    runs.push(server.plan());
    runs.push(server.apply());
    server.plan_is_empty();
    let second = secrets(&server);
    for secret in first.iter().chain(&second).chain([&server.admin]) {
        assert!(!runs.iter().any(|run| run.text().contains(secret)));
    }
    assert!(first.iter().all(|secret| !second.contains(secret)));
}

fn the_examples_of_an_import_import(cli: &Cli) {
    let folder = root().join("resources/proxmox_api_token");
    let mut files = vec!["import-by-string-id.tf"];
    if cli.is_at_least(1, 12) {
        files.push("import-by-identity.tf");
    }
    for file in files {
        let (server, _) = server(cli);
        server
            .sim
            .state(|state| state.add_token("automation@pve!monitoring", true, None, 0));
        with_example(&server, &folder.join("resource.tf"));
        let import = fs::read_to_string(folder.join(file)).expect("an example");
        server.scratch.write("import.tf", &import).expect("a file");
        let format = ["fmt", "-check", "-no-color", "import.tf"];
        assert!(server.scratch.run(format).ok(), "{file}");
        says(&server.apply(), &["1 imported"]);
    }
}

fn everything_has_an_example(_: &Cli) {
    let catalog = catalog();
    let has_list = |name: &&String| catalog.resources[*name].list_schema().is_some();
    let lists = catalog.resources.keys().filter(has_list).cloned().collect();
    let offered = [
        ("resources", catalog.resources.into_keys().collect()),
        ("data-sources", catalog.data_sources.into_keys().collect()),
        (
            "ephemeral-resources",
            catalog.ephemeral_resources.into_keys().collect(),
        ),
        ("functions", catalog.functions.into_keys().collect()),
        ("actions", catalog.actions.into_keys().collect()),
        ("list-resources", lists),
    ];
    for (kind, offered) in offered {
        let offered: BTreeSet<String> = offered;
        assert_eq!(names(&root().join(kind)), offered, "{kind}");
    }
}
