//! Tasks of maintainers that need more than a `cargo` command: `cargo xtask docs` renders the
//! reference documentation.

mod docs;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask TASK [OPTIONS]

Tasks:
  docs            Render the reference documentation into docs/
    --check       Fail if docs/ is not current, and change nothing
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
        Some(Long("help") | Short('h')) => {
            eprint!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("{}\n\n{HELP}", other.unexpected()).into()),
        None => Err(HELP.into()),
    }
}
