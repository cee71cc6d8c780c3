//! A simulated Proxmox VE to try things against by hand.
//!
//! It prints where it listens, its certificate's fingerprint and credentials as `export` lines,
//! and serves until interrupted. The secrets it prints are of this process only.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use proxmox_simulator::{Simulator, Version};

const USAGE: &str = "\
usage: proxmox-simulator [OPTIONS]

Serves a simulated Proxmox VE on loopback until interrupted (Ctrl-C), and prints how to reach it.

  --listen ADDRESS:PORT    where to listen (a free port of 127.0.0.1)
  --version 8.2|9.0|9.1    which version to answer as (9.1)
  --root-password TEXT     password of root@pam (root-pass-1)
  --totp                   give root@pam a second factor
  --time-scale FACTOR      shorten the waits of the genuine server: 0.01 is a hundredth (1)
  --help                   print this help";

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        return match writeln!(std::io::stdout(), "{USAGE}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Options {
    listen: SocketAddr,
    version: Version,
    root_password: String,
    totp: bool,
    time_scale: f64,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        version: Version::V9_1,
        root_password: "root-pass-1".to_owned(),
        totp: false,
        time_scale: 1.0,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value\n{USAGE}"))
        };
        let bad = |text: &str| format!("{argument}: cannot read '{text}'\n{USAGE}");
        match argument.as_str() {
            "--listen" => {
                let text = value()?;
                options.listen = text.parse().map_err(|_| bad(&text))?;
            }
            "--version" => options.version = Version::parse(&value()?)?,
            "--root-password" => options.root_password = value()?,
            "--totp" => options.totp = true,
            "--time-scale" => {
                let text = value()?;
                options.time_scale = text.parse().map_err(|_| bad(&text))?;
            }
            _ => return Err(format!("unknown argument {argument}\n{USAGE}")),
        }
    }
    Ok(options)
}

fn run() -> Result<(), String> {
    let options = options()?;
    let simulator = Simulator::builder()
        .listen(options.listen)
        .version(options.version)
        .root_password(&options.root_password)
        .time_scale(options.time_scale)
        .spawn()
        .map_err(|error| error.to_string())?;
    let (secret, seed) = simulator.state(|state| {
        let secret = state.add_token("root@pam!admin", false, Some("made at start"), 0);
        (secret, options.totp.then(|| state.enable_totp("root@pam")))
    });
    let password = options.root_password.replace('\'', "'\\''");
    let mut lines = vec![
        format!("export PROXMOX_VE_ENDPOINT='{}'", simulator.endpoint()),
        format!(
            "export PROXMOX_VE_CERTIFICATE_FINGERPRINTS='{}'",
            simulator.certificate_fingerprint()
        ),
        format!("export PROXMOX_VE_API_TOKEN='root@pam!admin={secret}'"),
        "# or, in place of the token:".to_owned(),
        "# export PROXMOX_VE_USERNAME='root@pam'".to_owned(),
        format!("# export PROXMOX_VE_PASSWORD='{password}'"),
    ];
    lines.extend(seed.map(|seed| format!("# export PROXMOX_VE_TOTP_SECRET='{seed}'")));
    let mut output = std::io::stdout().lock();
    for line in lines {
        writeln!(output, "{line}").map_err(|error| error.to_string())?;
    }
    output.flush().map_err(|error| error.to_string())?;
    wait_for_interrupt()
}

fn wait_for_interrupt() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime
        .block_on(tokio::signal::ctrl_c())
        .map_err(|error| error.to_string())
}
