//! The options of the commands, in one table: their names, what they set, and their help.

use crate::provider::diagnostics::Words;
use crate::provider::settings::connection::definitions;
use crate::provider::settings::definition::Definition;
use crate::provider::settings::{address, credentials, tls};

/// A command with options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The command `check`.
    Check,
    /// The command `login`.
    Login,
}

use Command::{Check, Login};

/// An option of a command.
pub(super) struct CommandOption {
    /// Its name.
    pub(super) name: &'static str,
    /// The name of its value in the help; empty for an option without a value.
    pub(super) value: &'static str,
    /// Its help, in one or more lines.
    pub(super) help: &'static [&'static str],
    /// The setting that it holds.
    pub(super) setting: Option<&'static Definition>,
    /// The commands that have it.
    pub(super) commands: &'static [Command],
}

pub(super) const REQUIRE: &str = "--require";
pub(super) const JSON: &str = "--json";
pub(super) const SHELL: &str = "--shell";
pub(super) const HELP: &str = "--help";

/// The options of all commands.
pub(super) const OPTIONS: [CommandOption; 11] = [
    CommandOption {
        name: "--endpoint",
        value: "ADDRESS",
        help: &[
            "URL, host, host:port or IP address of a node. Repeat it for",
            "further nodes of the same cluster",
        ],
        setting: Some(&address::ENDPOINTS),
        commands: &[Check, Login],
    },
    CommandOption {
        name: "--username",
        value: "USER@REALM",
        help: &["User to log in as, or owner of the token"],
        setting: Some(&credentials::USERNAME),
        commands: &[Check, Login],
    },
    CommandOption {
        name: "--api-token-id",
        value: "ID",
        help: &["API token to use: user@realm!name, or name with --username"],
        setting: Some(&credentials::API_TOKEN_ID),
        commands: &[Check],
    },
    CommandOption {
        name: "--ca-certificate",
        value: "FILE",
        help: &["PEM file with the CA certificates to trust"],
        setting: Some(&tls::CA_CERTIFICATE),
        commands: &[Check, Login],
    },
    CommandOption {
        name: "--fingerprint",
        value: "SHA256",
        help: &[
            "SHA-256 fingerprint of a certificate to accept. Repeat it for",
            "further certificates",
        ],
        setting: Some(&tls::CERTIFICATE_FINGERPRINTS),
        commands: &[Check, Login],
    },
    CommandOption {
        name: "--tls-server-name",
        value: "NAME",
        help: &[
            "Host name that the certificate must be valid for. Defaults to",
            "the host name in the address",
        ],
        setting: Some(&tls::TLS_SERVER_NAME),
        commands: &[Check, Login],
    },
    CommandOption {
        name: "--min-tls-version",
        value: "VERSION",
        help: &["Minimum TLS version: 1.2 or 1.3. Defaults to 1.2"],
        setting: Some(&tls::MIN_TLS_VERSION),
        commands: &[Check, Login],
    },
    CommandOption {
        name: REQUIRE,
        value: "PATH=PRIV[,PRIV]",
        help: &[
            "Privileges that the credential must have at a path. Repeat it",
            "for further paths",
        ],
        setting: None,
        commands: &[Check],
    },
    CommandOption {
        name: JSON,
        value: "",
        help: &[
            "Print one JSON object with the attributes of the data source",
            "proxmox_connection",
        ],
        setting: None,
        commands: &[Check],
    },
    CommandOption {
        name: SHELL,
        value: "SHELL",
        help: &[
            "Shell that evaluates the output: bash (the default, for any POSIX",
            "shell), zsh, fish or powershell",
        ],
        setting: None,
        commands: &[Login],
    },
    CommandOption {
        name: HELP,
        value: "",
        help: &["Print this help"],
        setting: None,
        commands: &[Check, Login],
    },
];

/// The help for the options of a command.
pub fn help(command: Command) -> String {
    let options = OPTIONS
        .iter()
        .filter(|option| option.commands.contains(&command));
    let lines = options.flat_map(|option| {
        let usage = format!("{} {}", option.name, option.value);
        let first = std::iter::once(usage).chain(std::iter::repeat(String::new()));
        first
            .zip(option.help)
            .map(|(usage, help)| format!("  {usage:<27}{help}\n"))
    });
    lines.collect()
}

/// Names settings by their options, or else by their environment variables.
pub const WORDS: Words = Words::Options(setting_name);

fn setting_name(definition: &Definition) -> String {
    let sets = |option: &&CommandOption| {
        let is_setting = |setting: &Definition| setting.name == definition.name;
        option.setting.is_some_and(is_setting) || option.name == option_name(definition)
    };
    let option = OPTIONS.iter().find(sets).map(|option| option.name);
    let variable = definition.variables.first().copied();
    option.or(variable).unwrap_or(definition.name).to_owned()
}

pub(super) fn option_name(definition: &Definition) -> String {
    format!("--{}", definition.name.replace('_', "-"))
}

/// A text about settings with the names of this command line in place of the attributes' names.
pub fn in_own_words(text: &str) -> String {
    let attributes = definitions().map(|definition| (definition.name, setting_name(definition)));
    attributes.fold(text.to_owned(), |text, (attribute, name)| {
        text.replace(&format!("`{attribute}`"), &name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_by_its_option_or_else_by_its_variable() {
        for (definition, expected) in [
            (&address::ENDPOINT, "--endpoint"),
            (&tls::CERTIFICATE_FINGERPRINTS, "--fingerprint"),
            (&tls::VERIFY_SSL, "PROXMOX_VE_VERIFY_SSL"),
            (&credentials::PASSWORD, "PROXMOX_VE_PASSWORD"),
        ] {
            assert_eq!(setting_name(definition), expected);
        }
    }

    #[test]
    fn a_text_about_attributes_speaks_of_options_and_variables() {
        assert_eq!(
            in_own_words("set `api_token`, or `username` with `password`"),
            "set PROXMOX_VE_API_TOKEN, or --username with PROXMOX_VE_PASSWORD"
        );
    }
}
