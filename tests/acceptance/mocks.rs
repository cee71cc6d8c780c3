//! `terraform test` with a mocked provider: no host is asked, and the mocked values have to be ids.

use std::fs;
use std::path::Path;

use cli_harness::{Cli, Run};

use super::Scenario;
use super::test_server::{TestServer, says};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_mock_without_defaults_is_told_which_it_needs,
    the_mock_of_the_guide_works_on_the_configuration_of_the_readme,
];

/// The code block of a document that contains a text.
fn block(document: &str, containing: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(path).expect("a document");
    let blocks = text.split("```hcl\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let found = blocks.find(|block| block.contains(containing));
    found.expect("the code block").to_owned()
}

fn test(server: &TestServer, mock: &str) -> Run {
    let configuration = block("README.md", "resource \"proxmox_host\"");
    server
        .scratch
        .write("main.tf", &configuration)
        .expect("main.tf");
    server
        .scratch
        .write("main.tftest.hcl", mock)
        .expect("main.tftest.hcl");
    server.scratch.run(["test", "-no-color"])
}

fn a_mock_without_defaults_is_told_which_it_needs(cli: &Cli) {
    let server = TestServer::new(cli);
    let mock = "mock_provider \"proxmox\" {}\nrun \"apply\" {}\n";
    let run = test(&server, mock);
    assert!(!run.ok());
    says(&run, &["mock_resource \"proxmox_api_token\"", "token_id"]);
    assert_eq!(server.sim.requests().len(), 0);
}

fn the_mock_of_the_guide_works_on_the_configuration_of_the_readme(cli: &Cli) {
    let server = TestServer::new(cli);
    let run = test(&server, &block("docs/guides/testing.md", "mock_provider"));
    assert!(run.ok(), "{}", run.text());
    says(&run, &["1 passed, 0 failed"]);
    assert_eq!(server.sim.requests().len(), 0);
}
