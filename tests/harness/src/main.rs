//! Builds the pinned command lines into the cache of the tests.

use std::process::ExitCode;

use cli_harness::PINS;

fn main() -> ExitCode {
    for pin in &PINS {
        eprintln!(
            "{} {}: building unless it is in the cache",
            pin.folder,
            pin.version()
        );
        match pin.build() {
            Ok(path) => eprintln!("{} {}: {}", pin.folder, pin.version(), path.display()),
            Err(problem) => {
                eprintln!("{} {}: {problem}", pin.folder, pin.version());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
