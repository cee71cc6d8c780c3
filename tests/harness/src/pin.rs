//! The pinned programs, built from source with Go.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A pinned program, such as a command line: a Go module of its own below `tests/cli`, whose `tool`
/// line names the program.
#[derive(Debug)]
pub struct Pin {
    /// The name of the program, such as `terraform`.
    pub program: &'static str,
    /// What it is called in full, and its folder below `tests/cli`.
    pub folder: &'static str,
    /// The module's requirements, which name the version.
    go_mod: &'static str,
    /// The Go package of the program, and the one whose version it is.
    package: &'static str,
    module: &'static str,
}

/// The versions that the tests drive beside what is on PATH.
pub const PINS: [Pin; 2] = [
    Pin {
        program: "tofu",
        folder: "opentofu",
        go_mod: include_str!("../../cli/opentofu/go.mod"),
        package: "github.com/opentofu/opentofu/cmd/tofu",
        module: "github.com/opentofu/opentofu",
    },
    Pin {
        program: "terraform",
        folder: "terraform",
        go_mod: include_str!("../../cli/terraform/go.mod"),
        package: "github.com/hashicorp/terraform",
        module: "github.com/hashicorp/terraform",
    },
];

/// The program that renders the reference documentation.
pub const TFPLUGINDOCS: Pin = Pin {
    program: "tfplugindocs",
    folder: "tfplugindocs",
    go_mod: include_str!("../../cli/tfplugindocs/go.mod"),
    package: "github.com/hashicorp/terraform-plugin-docs/cmd/tfplugindocs",
    module: "github.com/hashicorp/terraform-plugin-docs",
};

impl Pin {
    /// The pinned version, as the module requires it.
    pub fn version(&self) -> &'static str {
        self.go_mod
            .lines()
            .map(|line| line.trim().trim_start_matches("require "))
            .find_map(|line| line.strip_prefix(self.module)?.trim().strip_prefix('v'))
            .and_then(|rest| rest.split_whitespace().next())
            .unwrap_or_default()
    }

    /// Where the program is once it has been built: in the user's cache, by version.
    pub fn cache(&self) -> Option<PathBuf> {
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
        let folder = format!("{}-{}", self.folder, self.version());
        Some(
            cache
                .join("terraform-provider-proxmox")
                .join(folder)
                .join(self.program),
        )
    }

    /// The program, if it has been built.
    pub fn cached(&self) -> Option<PathBuf> {
        self.cache().filter(|path| path.is_file())
    }

    /// Builds the program, unless it has been built before. Takes some minutes the first time.
    pub fn build(&self) -> Result<PathBuf, String> {
        if let Some(path) = self.cached() {
            return Ok(path);
        }
        let path = self
            .cache()
            .ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
        // Built beside its place and moved there, so that nobody runs half a program.
        let unfinished = path.with_extension(format!("{}.part", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../cli")
            .join(self.folder);
        let status = Command::new("go")
            .current_dir(&source)
            .env("CGO_ENABLED", "0")
            .args(["build", "-trimpath", "-ldflags"])
            .arg(format!("-s -w -X {}/version.dev=no", self.module))
            .arg("-o")
            .args([unfinished.as_path(), Path::new(self.package)])
            .status()
            .map_err(|error| format!("Go cannot be run ({error}): install Go 1.26.6 or newer"))?;
        if !status.success() {
            return Err(format!(
                "building {} {} failed",
                self.folder,
                self.version()
            ));
        }
        std::fs::rename(&unfinished, &path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pin_knows_its_version() {
        for pin in PINS.iter().chain([&TFPLUGINDOCS]) {
            let numbers: Vec<&str> = pin.version().split('.').collect();
            assert_eq!(numbers.len(), 3, "{}: {:?}", pin.folder, pin.version());
        }
    }
}
