//! The arguments of a command line.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

use crate::cli::exit::Failure;
use crate::cli::options::{
    Command, CommandOption, HELP, JSON, OPTIONS, REQUIRE, SHELL, option_name,
};
use crate::cli::shell::Shell;
use crate::provider::settings::connection::definitions;
use crate::provider::settings::definition::{Definition, Kind};
use crate::provider::settings::setting::{Setting, Source};
use crate::pve::diagnosis::Requirements;

/// The options of a command line.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<&'static str, Vec<String>>,
    /// The privileges that the credential must have.
    pub requirements: Requirements,
    /// Whether to print the result as JSON.
    pub json: bool,
    /// The shell that evaluates the output.
    pub shell: Shell,
}

impl Options {
    /// Parses the arguments of a command. `None` if help is requested.
    ///
    /// No message contains a value, which may be a misplaced secret.
    pub fn parse(command: Command, arguments: Vec<OsString>) -> Result<Option<Self>, Failure> {
        let mut parser = Parser::from_args(arguments);
        let mut options = Self::default();
        while let Some(argument) = parser.next().map_err(unusable)? {
            let name = match argument {
                Arg::Short('h') => HELP.to_owned(),
                Arg::Long(name) => format!("--{name}"),
                other => return Err(unusable(other.unexpected())),
            };
            if let Some(secret) = definitions().find(|definition| is_secret(definition, &name)) {
                return Err(exposed(&name, secret));
            }
            let known = OPTIONS
                .iter()
                .find(|option| option.name == name && option.commands.contains(&command));
            match known {
                Some(option) if option.name == HELP => return Ok(None),
                Some(option) => options.add(option, &mut parser)?,
                None => return Err(unusable(lexopt::Error::UnexpectedOption(name))),
            }
        }
        Ok(Some(options))
    }

    fn add(&mut self, option: &CommandOption, parser: &mut Parser) -> Result<(), Failure> {
        if option.name == JSON {
            self.json = true;
            return Ok(());
        }
        let value = parser.value().and_then(ValueExt::string);
        let value = value.map_err(unusable)?;
        match option.name {
            REQUIRE => return self.require(&value),
            SHELL => return self.set_shell(&value),
            _ => {}
        }
        self.values.entry(option.name).or_default().push(value);
        Ok(())
    }

    /// The values of a setting: those of a list, or the last one.
    pub fn values(&self, definition: &Definition) -> Setting<Vec<String>> {
        let sets = |option: &&CommandOption| {
            let setting = option.setting;
            setting.is_some_and(|setting| setting.name == definition.name)
        };
        let option = OPTIONS.iter().find(sets);
        let values = option.and_then(|option| Some((option, self.values.get(option.name)?)));
        let Some((option, values)) = values else {
            return Setting::Absent;
        };
        let values = match definition.kind {
            Kind::TextList => values.as_slice(),
            _ => values.last().map(std::slice::from_ref).unwrap_or_default(),
        };
        Setting::Known(values.to_vec(), Source::CommandLine(option.name))
    }

    /// The value of a setting.
    pub fn value(&self, definition: &Definition) -> Setting<String> {
        self.values(definition).last()
    }

    fn set_shell(&mut self, name: &str) -> Result<(), Failure> {
        self.shell = Shell::named(name).ok_or_else(|| {
            let names = Shell::names();
            Failure::configuration(format!("--shell must be one of: {names}."))
        })?;
        Ok(())
    }

    /// Adds a requirement, `PATH=PRIV[,PRIV]`.
    fn require(&mut self, text: &str) -> Result<(), Failure> {
        let invalid = || {
            Failure::configuration(
                "--require must have the form PATH=PRIVILEGE[,PRIVILEGE], such as \
                 --require /vms=VM.Allocate,VM.Audit.",
            )
        };
        let (path, privileges) = text.split_once('=').ok_or_else(invalid)?;
        let privileges: BTreeSet<String> = privileges
            .split(',')
            .map(|privilege| privilege.trim().to_owned())
            .collect();
        if !path.starts_with('/') || privileges.contains("") {
            return Err(invalid());
        }
        let required = &mut self.requirements.privileges;
        required
            .entry(path.to_owned())
            .or_default()
            .extend(privileges);
        Ok(())
    }
}

/// Whether an argument names a secret, which must not be an option.
fn is_secret(definition: &Definition, argument: &str) -> bool {
    definition.kind.is_secret() && argument == option_name(definition)
}

fn exposed(name: &str, secret: &Definition) -> Failure {
    Failure::configuration(format!(
        "{name} is not an option, because any user of this machine can read the arguments of a \
         process. Set {} in the environment instead. A password, or the secret of the token in \
         --api-token-id, can also be typed at the prompt.",
        secret.variables.first().unwrap_or(&"")
    ))
}

fn unusable(error: lexopt::Error) -> Failure {
    let reason = match error {
        lexopt::Error::MissingValue { option } => {
            format!("{} needs a value", option.unwrap_or_default())
        }
        lexopt::Error::UnexpectedOption(option) => format!("Unknown option {option}"),
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        lexopt::Error::NonUnicodeValue(_) => "An argument is not valid Unicode".to_owned(),
        _ => "An argument does not belong to any option".to_owned(),
    };
    Failure::configuration(format!(
        "{reason}. Run the command with --help to list the options."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::Command::{Check, Login};
    use crate::cli::options::help;
    use crate::provider::settings::{address, credentials, tls};

    fn parse(command: Command, arguments: &[&str]) -> Result<Option<Options>, String> {
        let arguments = arguments.iter().map(OsString::from).collect();
        Options::parse(command, arguments).map_err(|failure| failure.text)
    }

    fn values(options: &Options, definition: &Definition) -> Vec<String> {
        match options.values(definition) {
            Setting::Known(values, _) => values,
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_value_is_the_next_argument_or_stands_behind_an_equals_sign() {
        let options = parse(
            Check,
            &[
                "--endpoint=pve1",
                "--fingerprint",
                "AA",
                "--fingerprint",
                "BB",
            ],
        );
        let options = options.unwrap().unwrap();
        assert_eq!(values(&options, &address::ENDPOINTS), ["pve1"]);
        let fingerprints = values(&options, &tls::CERTIFICATE_FINGERPRINTS);
        assert_eq!(fingerprints, ["AA", "BB"]);
    }

    #[test]
    fn the_last_value_of_a_single_setting_counts() {
        let options = parse(Login, &["--username", "a@pve", "--username=b@pve"]);
        let options = options.unwrap().unwrap();
        assert_eq!(values(&options, &credentials::USERNAME), ["b@pve"]);
    }

    #[test]
    fn a_command_has_only_its_own_options() {
        let id = &["--api-token-id", "ci"];
        assert!(parse(Check, id).is_ok() && parse(Login, id).is_err());
        assert!(help(Check).contains("--api-token-id") && !help(Login).contains("--api-token-id"));
    }

    #[test]
    fn requirements_add_up() {
        let options = parse(
            Check,
            &[
                "--require",
                "/vms=VM.Audit, VM.Allocate",
                "--require=/vms=VM.Clone",
                "--require",
                "/=Sys.Audit",
            ],
        );
        let required = options.unwrap().unwrap().requirements.privileges;
        let at = |path: &str| required[path].iter().cloned().collect::<Vec<_>>();
        assert_eq!(at("/vms"), ["VM.Allocate", "VM.Audit", "VM.Clone"]);
        assert_eq!(at("/"), ["Sys.Audit"]);
    }

    #[test]
    fn a_requirement_without_a_path_or_a_privilege_is_refused() {
        for text in ["/vms", "/vms=", "vms=VM.Audit", "/vms=VM.Audit,", "="] {
            let message = parse(Check, &["--require", text]).unwrap_err();
            assert!(
                message.starts_with("--require must have the form"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_secret_is_refused_as_an_option_and_never_repeated() {
        let secrets = definitions().filter(|definition| definition.kind.is_secret());
        for secret in secrets {
            let name = secret.name.replace('_', "-");
            let variable = secret.variables[0];
            for arguments in [
                vec![format!("--{name}"), "s3cr3t".to_owned()],
                vec![format!("--{name}=s3cr3t")],
            ] {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let message = parse(Check, &arguments).unwrap_err();
                assert!(message.contains(variable) && message.contains("arguments of a process"));
                assert!(!message.contains("s3cr3t"), "{message}");
            }
        }
    }

    #[test]
    fn what_is_no_option_is_refused_and_never_repeated() {
        for (command, arguments) in [
            (Check, &["s3cr3t"][..]),
            (Check, &["--endpoint", "pve1", "s3cr3t"]),
            (Check, &["--json=s3cr3t"]),
            (Check, &["--pass=s3cr3t"]),
            (Check, &["-ps3cr3t"]),
            (Login, &["--api-token-id", "s3cr3t"]),
            (Check, &["--endpoint"]),
        ] {
            let message = parse(command, arguments).unwrap_err();
            assert!(
                message.ends_with("--help to list the options."),
                "{message}"
            );
            assert!(!message.contains("s3cr3t"), "{message}");
        }
    }
}
