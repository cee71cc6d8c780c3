//! The arrows between the parts of the code, and between the rooms of each: one way, and no circle.
//!
//! `main -> plugin, cli, provider`, `cli -> provider, pve`, `plugin -> framework`,
//! `provider -> framework, pve`; inside `pve` and `provider`, a room names those below it only.

mod circles;
mod sources;

use std::path::{Path, PathBuf};

use circles::{circles, drawn};
use sources::{Arrows, Sources};

/// The parts, and which others each may name.
const PARTS: [(&str, &[&str]); 7] = [
    ("ecdsa_p521", &[]),
    ("printable", &[]),
    ("framework", &[]),
    ("plugin", &["ecdsa_p521", "framework", "printable"]),
    ("pve", &["ecdsa_p521", "printable"]),
    ("provider", &["framework", "pve"]),
    ("cli", &["framework", "printable", "provider", "pve"]),
];

/// The rooms of `pve` and `provider`, from the ground up. A room names those on lower floors, not
/// its neighbours.
const FLOORS: [(&str, &[&[&str]]); 2] = [
    (
        "pve",
        &[
            &[
                "secret",
                "id",
                "lenient",
                "timestamp",
                "context",
                "progress",
                "single_flight",
                "write_lock",
            ],
            &["foreign_text"],
            &["permissions", "tls"],
            &["error"],
            &["net", "cache"],
            &["auth"],
            &["settings"],
            &["client"],
            &["api"],
            &["audit"],
            &["cached_client"],
            &["diagnosis"],
        ],
    ),
    (
        "provider",
        &[
            &["attributes", "mocked", "nearest"],
            &["settings"],
            &["diagnostics"],
            &["clients"],
            &["host", "api_token"],
            &["data_sources", "documentation", "functions", "ticket"],
        ],
    ),
];

#[test]
fn each_part_names_only_the_parts_it_may() {
    let arrows = library();
    let mut seen = 0;
    for (from, to) in pairs(&arrows) {
        let (from_part, to_part) = (first(from), first(to));
        if let Some((_, allowed)) = PARTS.iter().find(|(part, _)| *part == from_part) {
            assert!(
                from_part == to_part || allowed.contains(&to_part),
                "`{from}` names `{to}`, which `{from_part}` must not"
            );
            seen += usize::from(from_part != to_part);
        }
    }
    // The arrows that there are were found, so one that must not be would be, too.
    assert!(seen > 100, "only {seen} arrows between the parts");
}

#[test]
fn the_binary_names_only_plugin_cli_and_provider() {
    let binary = Sources::read(&root().join("main.rs"));
    let named = binary.names_of("terraform_provider_proxmox");
    assert_eq!(
        named,
        ["cli", "plugin", "provider"].map(str::to_owned).into()
    );
}

#[test]
fn each_room_names_only_those_on_lower_floors() {
    let arrows = library();
    let mut wrong = Vec::new();
    for (part, floors) in FLOORS {
        for (from, to) in pairs(&arrows) {
            let (Some(from_room), Some(to_room)) = (room(part, from), room(part, to)) else {
                continue;
            };
            let floor = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
            let (Some(above), Some(below)) = (floor(from_room), floor(to_room)) else {
                wrong.push(format!("{from} -> {to}: a room without a floor"));
                continue;
            };
            if from_room != to_room && above <= below {
                wrong.push(format!("{from} -> {to}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that lead up:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let arrows = library();
    let circles = circles(&arrows);
    let drawn: Vec<_> = circles
        .iter()
        .map(|circle| drawn(circle, &arrows))
        .collect();
    assert!(drawn.is_empty(), "circles:\n{}", drawn.join("\n"));
}

#[test]
fn the_simulator_knows_nothing_of_terraform() {
    let manifest = root().join("../tests/simulator/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("its manifest");
    for word in ["tf-provider", "terraform", "tonic"] {
        assert!(!manifest.contains(word), "the simulator names {word}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn library() -> Arrows {
    Sources::read(&root().join("lib.rs")).arrows()
}

fn pairs(arrows: &Arrows) -> impl Iterator<Item = (&str, &str)> {
    let pairs = arrows.iter();
    pairs.flat_map(|(from, targets)| targets.iter().map(move |to| (from.as_str(), to.as_str())))
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// The room of a part that a file is in; the part's own `mod.rs` is in none.
fn room<'a>(part: &str, file: &'a str) -> Option<&'a str> {
    let inside = file.strip_prefix(part)?.strip_prefix("::")?;
    Some(first(inside))
}

/// How arrows and circles are found, on sources that are made up.
mod made_up {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> Arrows {
        let mut sources = Sources::default();
        for (path, text) in files {
            let path = path.split("::").filter(|name| !name.is_empty());
            sources.add(path.map(str::to_owned).collect(), text);
        }
        sources.arrows()
    }

    fn targets(files: &[(&str, &str)], from: &str) -> Vec<String> {
        arrows(files)[from].iter().cloned().collect()
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines_the_name() {
        let files = [
            ("", "mod a; mod user;"),
            (
                "a",
                "mod b; mod c; pub use b::Made; pub use c::{Hidden, Other}; pub struct Own;",
            ),
            ("a::b", "pub struct Made;"),
            (
                "a::c",
                "pub struct Other; pub use super::b::Made as Hidden;",
            ),
        ];
        let user = |text| targets(&[&files[..], &[("user", text)]].concat(), "user");
        assert_eq!(user("use crate::a::Made;"), ["a::b"]);
        assert_eq!(
            user("use crate::a::{Hidden as Renamed, Other};"),
            ["a::b", "a::c"]
        );
        assert_eq!(user("fn f(_: super::a::Made) {}"), ["a::b"]);
    }

    #[test]
    fn a_name_is_followed_through_an_imported_module_and_into_macros() {
        let files = [("", "mod a; mod user;"), ("a", "pub fn f() {}")];
        let user = |text| targets(&[&files[..], &[("user", text)]].concat(), "user");
        assert_eq!(user("use crate::a;"), Vec::<String>::new());
        assert_eq!(user("use crate::a; fn g() { a::f() }"), ["a"]);
        assert_eq!(user("fn g() { vec![crate::a::f()]; }"), ["a"]);
    }

    #[test]
    fn tests_and_declarations_make_no_arrows() {
        let files = [
            ("", "mod a; #[cfg(test)] mod tests { use crate::a::F; }"),
            ("a", "pub struct F;"),
        ];
        assert_eq!(targets(&files, "lib"), Vec::<String>::new());
    }

    #[test]
    fn a_circle_is_found_and_drawn() {
        let arrows = arrows(&[
            ("", "mod a; mod b; mod c;"),
            ("a", "use crate::b::B; pub struct A;"),
            ("b", "use crate::c::C; pub struct B;"),
            ("c", "use crate::a::A; pub struct C;"),
            ("d", "use crate::a::A;"),
        ]);
        let circles = circles(&arrows);
        assert_eq!(circles, [["a", "b", "c"].map(str::to_owned).into()]);
        assert_eq!(
            drawn(&circles[0], &arrows),
            "  a -> b\n  b -> c\n  c -> a\n"
        );
    }
}
