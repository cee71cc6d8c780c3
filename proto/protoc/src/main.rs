//! The few flags of `protoc` that prost's build scripts use, answered by `protox`,
//! so that building this project needs nothing installed beside Rust and a C compiler.

use std::{env, fs, path::PathBuf, process::ExitCode};

use prost::Message;

/// What a call asked for.
#[derive(Default)]
struct Call {
    includes: Vec<PathBuf>,
    files: Vec<PathBuf>,
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    match parse(env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("protoc: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the flags that prost-build and tonic-build pass; refuses any other.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Call, String> {
    let mut call = Call::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--version" => {
                println!("libprotoc 27.0 (protox)");
                std::process::exit(0);
            }
            "--include_imports"
            | "--include_source_info"
            | "--experimental_allow_proto3_optional" => {}
            "-I" => call.includes.push(value()?.into()),
            "-o" => call.output = Some(value()?.into()),
            flag if flag.starts_with('-') => return Err(format!("unknown flag {flag}")),
            file => call.files.push(file.into()),
        }
    }
    Ok(call)
}

/// Compiles the files and writes their descriptor set.
fn run(call: Call) -> Result<(), String> {
    let output = call.output.ok_or("no -o given")?;
    let descriptors =
        protox::compile(&call.files, &call.includes).map_err(|error| error.to_string())?;
    fs::write(&output, descriptors.encode_to_vec())
        .map_err(|error| format!("{}: {error}", output.display()))
}
