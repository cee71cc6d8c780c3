//! The arrows between the parts of the code: `main -> plugin, provider`,
//! `plugin -> framework <- provider -> pve`, and never back.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The parts, and which others each may name.
const ARROWS: [(&str, &[&str]); 4] = [
    ("framework", &[]),
    ("plugin", &["framework"]),
    ("provider", &["framework", "pve"]),
    ("pve", &[]),
];

#[test]
fn each_part_names_only_the_parts_it_may() {
    let mut files = 0;
    for (part, allowed) in ARROWS {
        for file in rust_files(&source().join(part)) {
            files += 1;
            let code = code_of(&fs::read_to_string(&file).expect("a readable file"));
            for (other, _) in ARROWS.iter().filter(|(other, _)| *other != part) {
                let named = names(&code, other);
                assert!(
                    !named || allowed.contains(other),
                    "{} names `{other}`, which `{part}` must not",
                    file.display()
                );
            }
        }
    }
    assert!(files > 20, "only {files} files were looked at");
}

#[test]
fn the_command_line_names_only_plugin_and_provider() {
    let code = code_of(&fs::read_to_string(source().join("main.rs")).expect("main.rs"));
    assert!(names(&code, "plugin") && names(&code, "provider"));
    assert!(!names(&code, "framework") && !names(&code, "pve"));
}

#[test]
fn a_forbidden_name_would_be_found() {
    assert!(names(&code_of("use crate::{pve::Client};"), "pve"));
    assert!(names(&code_of("fn f(c: super::pve::Client) {}"), "pve"));
    assert!(!names(&code_of("use tf_provider::Resource;"), "provider"));
    assert!(!names(&code_of("//! Speaks of pve::Client."), "pve"));
    assert!(!names(&code_of("let text = \"pve::Client\";"), "pve"));
}

#[test]
fn the_simulator_knows_nothing_of_terraform() {
    let manifest = source().join("../tests/simulator/Cargo.toml");
    let manifest = fs::read_to_string(manifest)
        .expect("its manifest")
        .to_lowercase();
    for word in ["tf-provider", "terraform", "tonic"] {
        assert!(!manifest.contains(word), "the simulator names {word}");
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let (folders, files): (Vec<_>, Vec<_>) = entries
        .map(|entry| entry.path())
        .partition(|path| path.is_dir());
    let here = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"));
    here.chain(folders.iter().flat_map(|folder| rust_files(folder)))
        .collect()
}

/// The text without comments and without what stands in string literals on one line.
fn code_of(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let unquoted: String = line.split('"').step_by(2).collect();
        unquoted.split("//").next().unwrap_or_default().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether `part::` stands in the code as a whole word.
fn names(code: &str, part: &str) -> bool {
    let path = format!("{part}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
