//! Circles among arrows.

use std::collections::BTreeSet;

use crate::sources::Arrows;

/// The groups of files that reach each other, smallest name first; empty where there is no circle.
pub fn circles(arrows: &Arrows) -> Vec<BTreeSet<String>> {
    let reached = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(file) = next.pop() {
            for target in arrows.get(file).into_iter().flatten() {
                if seen.insert(target.clone()) {
                    next.push(target);
                }
            }
        }
        seen
    };
    let all: Vec<_> = arrows.keys().map(|file| (file, reached(file))).collect();
    let in_circles = all.iter().filter(|(file, reached)| reached.contains(*file));
    let groups: BTreeSet<BTreeSet<String>> = in_circles
        .map(|(file, reached)| {
            let back = all
                .iter()
                .filter(|(other, back)| reached.contains(*other) && back.contains(*file));
            back.map(|(other, _)| (*other).clone()).collect()
        })
        .collect();
    groups.into_iter().collect()
}

/// The arrows within a circle, one a line.
pub fn drawn(circle: &BTreeSet<String>, arrows: &Arrows) -> String {
    let lines = circle.iter().map(|file| {
        let targets: Vec<_> = arrows[file]
            .intersection(circle)
            .map(String::as_str)
            .collect();
        format!("  {file} -> {}\n", targets.join(", "))
    });
    lines.collect()
}
