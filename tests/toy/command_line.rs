//! The toy provider under the real `terraform` and `tofu`.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use cli_harness::{Cli, Run, Scratch};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A named test that runs with each command line that has what it needs.
pub struct Scenario {
    pub name: &'static str,
    pub is_supported_by: fn(&Cli) -> bool,
    pub run: fn(&Cli),
}

/// Makes a list of scenarios under the names of their functions.
macro_rules! scenarios {
    ($($name:ident if $is_supported_by:expr;)*) => {
        /// Every scenario.
        pub const SCENARIOS: &[Scenario] = &[$(
            Scenario {
                name: stringify!($name),
                is_supported_by: $is_supported_by,
                run: $name,
            },
        )*];
    };
}

scenarios! {
    a_note_is_created_changed_and_removed if |_| true;
    an_old_state_is_upgraded if |_| true;
    a_note_is_imported_by_id if |_| true;
    a_note_is_imported_by_identity if |cli| cli.is_at_least(1, 12);
    a_memo_is_moved_to_a_note if |_| true;
    a_key_is_open_during_a_run_only if |_| true;
    notes_are_listed_by_a_query if Cli::has_lists_and_actions;
    an_action_runs_after_a_creation if Cli::has_lists_and_actions;
}

/// A directory with a configuration, and one with notes.
struct Toy {
    scratch: Scratch,
    notes: TempDir,
    _binaries: TempDir,
}

impl Toy {
    fn new(cli: &Cli) -> Self {
        let binaries = TempDir::new().unwrap();
        let this = std::env::current_exe().unwrap();
        symlink(this, binaries.path().join("terraform-provider-toy")).unwrap();
        let scratch = Scratch::for_provider(cli.clone(), "example/toy", binaries.path());
        Self {
            scratch: scratch.unwrap(),
            notes: TempDir::new().unwrap(),
            _binaries: binaries,
        }
    }

    /// Replaces the configuration, after the lines that every configuration begins with.
    fn main(&self, body: &str) {
        let head = format!(
            r#"
            terraform {{
              required_providers {{
                toy = {{ source = "example/toy" }}
              }}
            }}

            provider "toy" {{
              directory = {:?}
            }}
            "#,
            self.notes.path()
        );
        let written = self.scratch.write("main.tf", &format!("{head}{body}"));
        written.unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let run = self.scratch.run(arguments);
        assert!(run.ok(), "{arguments:?}:\n{}\n{}", run.stdout, run.stderr);
        run
    }

    fn apply(&self) -> Run {
        self.run(&["apply", "-auto-approve", "-no-color"])
    }

    fn plan_is_empty(&self) {
        self.run(&["plan", "-no-color", "-detailed-exitcode"]);
    }

    fn note(&self, name: &str) -> Option<Value> {
        let json = std::fs::read(self.notes.path().join(name)).ok()?;
        Some(serde_json::from_slice(&json).unwrap())
    }

    fn write_note(&self, name: &str, text: &str) {
        let content = json!({ "text": text, "signed": false });
        std::fs::write(self.notes.path().join(name), content.to_string()).unwrap();
    }

    fn state_file(&self) -> PathBuf {
        self.scratch.file("terraform.tfstate")
    }

    fn state(&self) -> Value {
        let text = std::fs::read_to_string(self.state_file()).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn a_note_is_created_changed_and_removed(cli: &Cli) {
    let toy = Toy::new(cli);
    let note = |text: &str| {
        let body = r#"
            resource "toy_note" "a" {
              name   = "a"
              text   = "TEXT"
              author = { password_wo = "hunter2" }
            }

            data "toy_note" "a" {
              name       = "a"
              depends_on = [toy_note.a]
            }

            output "text" {
              value = data.toy_note.a.text
            }
        "#;
        body.replace("TEXT", text)
    };
    toy.main(&note("hello"));
    toy.apply();
    let written = json!({ "text": "hello", "signed": true });
    assert_eq!(toy.note("a"), Some(written));
    let state = toy.state();
    assert_eq!(state["outputs"]["text"]["value"], "hello");
    assert!(!state.to_string().contains("hunter2"));
    toy.plan_is_empty();

    toy.main(&note("goodbye"));
    toy.apply();
    assert_eq!(toy.note("a").unwrap()["text"], "goodbye");
    toy.plan_is_empty();

    toy.run(&["destroy", "-auto-approve", "-no-color"]);
    assert_eq!(toy.note("a"), None);
}

const NOTE: &str = r#"
    resource "toy_note" "a" {
      name = "a"
      text = "hello"
    }
"#;

fn an_old_state_is_upgraded(cli: &Cli) {
    let toy = Toy::new(cli);
    toy.main(NOTE);
    toy.apply();
    let mut state = toy.state();
    let instance = &mut state["resources"][0]["instances"][0];
    assert_eq!(instance["schema_version"], 1);
    instance["schema_version"] = 0.into();
    let attributes = instance["attributes"].as_object_mut().unwrap();
    let text = attributes.remove("text").unwrap();
    attributes.insert("content".to_owned(), text);
    std::fs::write(toy.state_file(), state.to_string()).unwrap();
    // A refresh would hide a lost text.
    toy.run(&["plan", "-no-color", "-detailed-exitcode", "-refresh=false"]);
}

fn a_note_is_imported_by_id(cli: &Cli) {
    let toy = Toy::new(cli);
    toy.write_note("a", "hello");
    toy.main(&format!(
        r#"
        {NOTE}
        import {{
          to = toy_note.a
          id = "a"
        }}
        "#
    ));
    let run = toy.apply();
    assert!(run.text().contains("1 imported, 0 added, 0 changed"));
    toy.plan_is_empty();
}

fn a_note_is_imported_by_identity(cli: &Cli) {
    let toy = Toy::new(cli);
    toy.write_note("a", "hello");
    toy.main(&format!(
        r#"
        {NOTE}
        import {{
          to       = toy_note.a
          identity = {{ name = "a" }}
        }}
        "#
    ));
    let run = toy.apply();
    assert!(run.text().contains("1 imported, 0 added, 0 changed"));
    let instance = &toy.state()["resources"][0]["instances"][0];
    assert_eq!(instance["identity"], json!({ "name": "a" }));
    toy.plan_is_empty();
}

fn a_memo_is_moved_to_a_note(cli: &Cli) {
    let toy = Toy::new(cli);
    toy.main(
        r#"
        resource "toy_memo" "a" {
          title = "a"
          body  = "hello"
        }
        "#,
    );
    toy.apply();
    toy.main(&format!(
        r#"
        {NOTE}
        moved {{
          from = toy_memo.a
          to   = toy_note.a
        }}
        "#
    ));
    let run = toy.apply();
    assert!(run.text().contains("0 added, 0 changed, 0 destroyed"));
    toy.plan_is_empty();
}

fn a_key_is_open_during_a_run_only(cli: &Cli) {
    let toy = Toy::new(cli);
    toy.main(
        r#"
        ephemeral "toy_key" "k" {
          name = "k"
        }

        resource "toy_note" "a" {
          name   = "a"
          text   = "hello"
          author = { password_wo = ephemeral.toy_key.k.value }
        }
        "#,
    );
    let run = toy.apply();
    assert!(run.text().contains("Key written"));
    assert_eq!(toy.note("a").unwrap()["signed"], true);
    assert_eq!(toy.note("k"), None);
    assert!(!toy.state().to_string().contains("value of k"));
}

fn notes_are_listed_by_a_query(cli: &Cli) {
    let toy = Toy::new(cli);
    for name in ["a1", "a2", "b"] {
        toy.write_note(name, "hello");
    }
    toy.main("");
    let list = r#"
        list "toy_note" "all" {
          provider = toy
          config {
            prefix = "a"
          }
        }
    "#;
    toy.scratch.write("notes.tfquery.hcl", list).unwrap();
    let run = toy.run(&["query", "-no-color"]);
    let text = run.text();
    assert!(text.contains("name=a1 Note a1"), "{text}");
    assert!(text.contains("name=a2 Note a2"), "{text}");
    assert!(!text.contains("name=b"), "{text}");
}

fn an_action_runs_after_a_creation(cli: &Cli) {
    let toy = Toy::new(cli);
    toy.main(
        r#"
        action "toy_stamp" "s" {
          config {
            name = "a"
            word = " world"
          }
        }

        resource "toy_note" "a" {
          name = "a"
          text = "hello"
          lifecycle {
            action_trigger {
              events  = [after_create]
              actions = [action.toy_stamp.s]
            }
          }
        }
        "#,
    );
    let run = toy.apply();
    assert!(run.text().contains("Stamping a"), "{}", run.stdout);
    assert!(run.text().contains("Note changed"), "{}", run.stdout);
    assert_eq!(toy.note("a").unwrap()["text"], "hello world");
}
