//! The options of the commands.

use std::collections::BTreeSet;
use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

use crate::cli::exit::Failure;
use crate::pve::diagnosis::Requirements;

/// What must not be an option, and where it goes instead.
const SECRETS: [(&str, &str); 9] = [
    ("api-token", "PROXMOX_VE_API_TOKEN"),
    ("api-token-secret", "PROXMOX_VE_API_TOKEN_SECRET"),
    ("password", "PROXMOX_VE_PASSWORD"),
    ("totp-secret", "PROXMOX_VE_TOTP_SECRET"),
    ("otp", "PROXMOX_VE_OTP"),
    ("auth-ticket", "PROXMOX_VE_AUTH_TICKET"),
    ("csrf-prevention-token", "PROXMOX_VE_CSRF_PREVENTION_TOKEN"),
    ("proxy-url", "PROXMOX_VE_PROXY_URL"),
    ("http-headers", "PROXMOX_VE_HTTP_HEADERS"),
];

/// The options, as given.
#[derive(Debug, Default)]
pub struct Options {
    /// Where Proxmox VE is: one node, or several of a cluster.
    pub endpoints: Vec<String>,
    /// Who logs in, or whose token it is.
    pub username: Option<String>,
    /// Which token.
    pub api_token_id: Option<String>,
    /// Authorities to trust: PEM, or the path of a file.
    pub ca_certificate: Option<String>,
    /// Certificates to accept.
    pub fingerprints: Vec<String>,
    /// The name that the certificate must be valid for.
    pub tls_server_name: Option<String>,
    /// The oldest version of TLS to speak.
    pub min_tls_version: Option<String>,
    /// What the credential must be allowed to do.
    pub requirements: Requirements,
    /// Whether a script reads the result.
    pub json: bool,
}

impl Options {
    /// Reads arguments, of which `known` are allowed. `None`: help is wanted.
    ///
    /// No message repeats a value: somebody may have mistaken it for the place of a secret.
    pub fn parse(arguments: Vec<OsString>, known: &[&str]) -> Result<Option<Self>, Failure> {
        let mut parser = Parser::from_args(arguments);
        let mut options = Self::default();
        while let Some(argument) = parser.next().map_err(unusable)? {
            let name = match argument {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long(name) => name.to_owned(),
                other => return Err(unusable(other.unexpected())),
            };
            if let Some((_, variable)) = SECRETS.iter().find(|(secret, _)| *secret == name) {
                return Err(exposed(&name, variable));
            }
            if !known.contains(&name.as_str()) {
                return Err(unusable(lexopt::Error::UnexpectedOption(format!(
                    "--{name}"
                ))));
            }
            options.take(&name, &mut parser)?;
        }
        Ok(Some(options))
    }

    fn take(&mut self, name: &str, parser: &mut Parser) -> Result<(), Failure> {
        if name == "json" {
            self.json = true;
            return Ok(());
        }
        let value = parser.value().and_then(ValueExt::string);
        let value = value.map_err(unusable)?;
        match name {
            "endpoint" => self.endpoints.push(value),
            "username" => self.username = Some(value),
            "api-token-id" => self.api_token_id = Some(value),
            "ca-certificate" => self.ca_certificate = Some(value),
            "fingerprint" => self.fingerprints.push(value),
            "tls-server-name" => self.tls_server_name = Some(value),
            "min-tls-version" => self.min_tls_version = Some(value),
            _ => self.require(&value)?,
        }
        Ok(())
    }

    /// Takes `PATH=PRIV[,PRIV]`.
    fn require(&mut self, text: &str) -> Result<(), Failure> {
        let malformed = || {
            Failure::configuration(
                "--require has the form PATH=PRIVILEGE[,PRIVILEGE], such as \
                 --require /vms=VM.Allocate,VM.Audit.",
            )
        };
        let (path, privileges) = text.split_once('=').ok_or_else(malformed)?;
        let privileges: BTreeSet<String> = privileges
            .split(',')
            .map(|privilege| privilege.trim().to_owned())
            .collect();
        if !path.starts_with('/') || privileges.contains("") {
            return Err(malformed());
        }
        let required = &mut self.requirements.privileges;
        required
            .entry(path.to_owned())
            .or_default()
            .extend(privileges);
        Ok(())
    }
}

fn exposed(name: &str, variable: &str) -> Failure {
    Failure::configuration(format!(
        "--{name} is not an option: everybody on this machine can read the arguments of a process. \
         Set {variable} in the environment instead; a password, or the secret of a token that \
         --api-token-id names, can also be typed when it is asked for."
    ))
}

fn unusable(error: lexopt::Error) -> Failure {
    let what = match error {
        lexopt::Error::MissingValue { option } => {
            format!("{} needs a value", option.unwrap_or_default())
        }
        lexopt::Error::UnexpectedOption(option) => format!("There is no option {option}"),
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        lexopt::Error::NonUnicodeValue(_) => "An argument is not valid Unicode".to_owned(),
        _ => "An argument belongs to no option".to_owned(),
    };
    Failure::configuration(format!("{what}; --help lists the options."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["endpoint", "fingerprint", "require", "json"];

    fn parse(arguments: &[&str]) -> Result<Option<Options>, String> {
        let arguments = arguments.iter().map(OsString::from).collect();
        Options::parse(arguments, &KNOWN).map_err(|failure| failure.text)
    }

    #[test]
    fn a_value_is_the_next_argument_or_stands_behind_an_equals_sign() {
        let options = parse(&[
            "--endpoint=pve1",
            "--fingerprint",
            "AA",
            "--fingerprint",
            "BB",
        ]);
        let options = options.unwrap().unwrap();
        assert_eq!(options.endpoints, ["pve1"]);
        assert_eq!(options.fingerprints, ["AA", "BB"]);
    }

    #[test]
    fn requirements_add_up() {
        let options = parse(&[
            "--require",
            "/vms=VM.Audit, VM.Allocate",
            "--require=/vms=VM.Clone",
            "--require",
            "/=Sys.Audit",
        ]);
        let required = options.unwrap().unwrap().requirements.privileges;
        let at = |path: &str| required[path].iter().cloned().collect::<Vec<_>>();
        assert_eq!(at("/vms"), ["VM.Allocate", "VM.Audit", "VM.Clone"]);
        assert_eq!(at("/"), ["Sys.Audit"]);
    }

    #[test]
    fn a_requirement_without_a_path_or_a_privilege_is_refused() {
        for text in ["/vms", "/vms=", "vms=VM.Audit", "/vms=VM.Audit,", "="] {
            let told = parse(&["--require", text]).unwrap_err();
            assert!(told.starts_with("--require has the form"), "{told}");
        }
    }

    #[test]
    fn a_secret_is_refused_as_an_option_and_never_repeated() {
        for (name, variable) in SECRETS {
            for arguments in [
                vec![format!("--{name}"), "s3cr3t".to_owned()],
                vec![format!("--{name}=s3cr3t")],
            ] {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let told = parse(&arguments).unwrap_err();
                assert!(told.contains(variable) && told.contains("arguments of a process"));
                assert!(!told.contains("s3cr3t"), "{told}");
            }
        }
    }

    #[test]
    fn what_is_no_option_is_refused_and_never_repeated() {
        for arguments in [
            &["s3cr3t"][..],
            &["--endpoint", "pve1", "s3cr3t"],
            &["--json=s3cr3t"],
            &["--pass=s3cr3t"],
            &["-ps3cr3t"],
            &["--username", "s3cr3t"],
            &["--endpoint"],
        ] {
            let told = parse(arguments).unwrap_err();
            assert!(told.ends_with("--help lists the options."), "{told}");
            assert!(!told.contains("s3cr3t"), "{told}");
        }
    }
}
