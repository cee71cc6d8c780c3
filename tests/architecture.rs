//! The arrows between the parts of the code: `main -> plugin, cli, provider`, `cli -> provider`,
//! `plugin -> framework <- provider -> pve`, and never back.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The parts, and which others each may name.
const ARROWS: [(&str, &[&str]); 5] = [
    ("cli", &["provider", "pve"]),
    ("framework", &[]),
    ("plugin", &["framework"]),
    ("provider", &["framework", "pve"]),
    ("pve", &[]),
];

#[test]
fn each_part_names_only_the_parts_it_may() {
    let mut seen = BTreeSet::new();
    for (part, allowed) in ARROWS {
        for file in rust_files(&source().join(part)) {
            let text = fs::read_to_string(&file).expect("a readable file");
            for named in reached(&text, "crate") {
                let known = ARROWS.iter().any(|(other, _)| *other == named);
                assert!(
                    !known || named == part || allowed.contains(&named.as_str()),
                    "{} names `{named}`, which `{part}` must not",
                    file.display()
                );
                seen.insert((part, named));
            }
        }
    }
    // The arrows that there must be are found, so one that must not be would be, too.
    for arrow in [
        ("plugin", "framework"),
        ("provider", "framework"),
        ("provider", "pve"),
    ] {
        assert!(
            seen.contains(&(arrow.0, arrow.1.to_owned())),
            "no {arrow:?} was found"
        );
    }
}

#[test]
fn main_names_only_plugin_cli_and_provider() {
    let text = fs::read_to_string(source().join("main.rs")).expect("main.rs");
    let named = reached(&text, "terraform_provider_proxmox");
    assert_eq!(
        named,
        ["cli", "plugin", "provider"].map(str::to_owned).into()
    );
}

#[test]
fn names_are_found_in_paths_and_in_groups() {
    let code = "use crate::{a::{self, B}, c::D};\nfn f(e: crate::e::F) {} // crate::g\n";
    assert_eq!(
        reached(code, "crate"),
        ["a", "c", "e"].map(str::to_owned).into()
    );
}

#[test]
fn the_simulator_knows_nothing_of_terraform() {
    let manifest = source().join("../tests/simulator/Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("its manifest");
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

/// The first names behind `root::`, in plain paths and in groups, outside of comments.
fn reached(text: &str, root: &str) -> BTreeSet<String> {
    let code: Vec<&str> = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect();
    let code = code.join("\n");
    let start = format!("{root}::");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(&start) {
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(top_level(group)),
            None => names.extend(first_name(rest)),
        }
    }
    names
}

/// The first name of each item of a group, whose opening brace is behind us.
fn top_level(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(character);
        }
    }
    items
        .iter()
        .filter_map(|item| first_name(item.trim_start_matches(',')))
        .collect()
}

fn first_name(path: &str) -> Option<String> {
    let is_name = |character: &char| character.is_alphanumeric() || *character == '_';
    let name: String = path.trim_start().chars().take_while(is_name).collect();
    (!name.is_empty()).then_some(name)
}
