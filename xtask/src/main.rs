//! Tasks of maintainers that need more than a `cargo` command: `cargo xtask docs` renders the
//! reference documentation, `cargo xtask package` makes the files of a release, and `cargo xtask record`
//! records what a genuine Proxmox VE answers.

mod docs;
mod package;
mod record;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask TASK [OPTIONS]

Tasks:
  docs            Render the reference documentation into docs/
    --check       Fail if docs/ is not current, and change nothing
  package         Make the files of a release
    --target TRIPLE  Build for this target. Repeat it for further targets. Defaults to this machine
    --binary FILE    Pack this binary for the only target instead of building one
    --no-build       Only add manifest, bill of materials and checksums to the archives in DIR
    --out DIR        Folder of the files. Defaults to target/package
    --key KEY        Sign the checksums with this key of GnuPG
  record          Record the responses of a Proxmox VE for tests, with a token that is removed again.
                  Reads PROXMOX_VE_ENDPOINT, PROXMOX_VE_API_TOKEN and PROXMOX_VE_CA_CERTIFICATE
    --owner USER     The user that gets the token
    --out DIR        Folder of the recordings
";

/// The problem that ends a task.
type Problem = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: lexopt::Parser) -> Result<(), Problem> {
    use lexopt::Arg::{Long, Short, Value};

    match arguments.next()? {
        Some(Value(task)) if task == "docs" => docs::run(arguments),
        Some(Value(task)) if task == "package" => package::run(arguments),
        Some(Value(task)) if task == "record" => record::run(arguments),
        Some(Long("help") | Short('h')) => {
            eprint!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("{}\n\n{HELP}", other.unexpected()).into()),
        None => Err(HELP.into()),
    }
}
