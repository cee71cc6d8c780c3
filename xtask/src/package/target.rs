//! The targets of a release.

use std::str::FromStr;

use crate::Problem;

/// A target, by the names that rustc and the registries have for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As rustc names it.
    pub triple: &'static str,
    /// As the registries name the system.
    pub os: &'static str,
    /// As the registries name the processor.
    pub arch: &'static str,
}

/// The targets. Those of Linux are static: they run on every distribution.
const TARGETS: [Target; 7] = [
    target("x86_64-unknown-linux-musl", "linux", "amd64"),
    target("aarch64-unknown-linux-musl", "linux", "arm64"),
    target("x86_64-apple-darwin", "darwin", "amd64"),
    target("aarch64-apple-darwin", "darwin", "arm64"),
    target("x86_64-pc-windows-msvc", "windows", "amd64"),
    target("aarch64-pc-windows-msvc", "windows", "arm64"),
    target("x86_64-unknown-freebsd", "freebsd", "amd64"),
];

const fn target(triple: &'static str, os: &'static str, arch: &'static str) -> Target {
    Target { triple, os, arch }
}

impl Target {
    /// The target whose binaries run on this machine.
    pub fn of_this_machine() -> Result<Self, Problem> {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let found = TARGETS
            .into_iter()
            .find(|target| (target.os, target.arch) == (os, arch));
        found.ok_or_else(|| format!("There is no release for {os} on {arch}.").into())
    }

    /// The ending of the name of a program.
    pub fn suffix(&self) -> &'static str {
        match self.os {
            "windows" => ".exe",
            _ => "",
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(triple: &str) -> Result<Self, String> {
        let found = TARGETS.into_iter().find(|target| target.triple == triple);
        found.ok_or_else(|| {
            let known = TARGETS.map(|target| target.triple).join(", ");
            format!("{triple} is not a target of a release. The targets are {known}.")
        })
    }
}
