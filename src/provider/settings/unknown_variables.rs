//! Warnings about environment variables that look like a misspelled setting.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::nearest::nearest;
use crate::provider::settings::connection::{ConnectionSettings, definitions};
use crate::provider::settings::definition::Definition;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::{address, credentials, tls};

/// Prefixes of variables that other tools for Proxmox VE read and this provider does not.
const OF_OTHER_TOOLS: [&str; 9] = [
    "PROXMOX_VE_SSH_",
    "PROXMOX_VE_TMPDIR",
    "PM_VE_SSH_",
    "PM_VE_TMPDIR",
    "PM_DEBUG",
    "PM_HTTP_HEADERS",
    "PM_OTP_PROMPT",
    "PM_PARALLEL",
    "PM_DANGEROUSLY_",
];

/// A variable that other tools read, and where its value belongs here.
struct Foreign {
    names: &'static [&'static str],
    definition: &'static Definition,
    /// Whether a connection has such a value already.
    is_set: fn(&ConnectionSettings) -> bool,
}

fn has_credential(settings: &ConnectionSettings) -> bool {
    settings.credentials.source().is_some()
}

/// Variables of Packer, of the Ansible modules and of command lines for Proxmox VE.
static FOREIGN: [Foreign; 7] = [
    Foreign {
        names: &[
            "PROXMOX_URL",
            "PROXMOX_HOST",
            "PROXMOX_API_URL",
            "PROXMOX_API_HOST",
            "PROXMOX_ENDPOINT",
            "PROXMOX_SERVER",
            "PVE_HOST",
            "PVE_URL",
            "PVE_API_URL",
            "PVE_ENDPOINT",
        ],
        definition: &address::ENDPOINT,
        is_set: |settings| settings.address.is_set(),
    },
    Foreign {
        names: &[
            "PROXMOX_USERNAME",
            "PROXMOX_USER",
            "PVE_USER",
            "PVE_USERNAME",
        ],
        definition: &credentials::USERNAME,
        is_set: has_credential,
    },
    Foreign {
        names: &[
            "PROXMOX_PASSWORD",
            "PROXMOX_PASS",
            "PVE_PASSWORD",
            "PVE_PASS",
        ],
        definition: &credentials::PASSWORD,
        is_set: has_credential,
    },
    Foreign {
        names: &[
            "PROXMOX_TOKEN",
            "PROXMOX_TOKEN_SECRET",
            "PROXMOX_TOKEN_VALUE",
            "PROXMOX_API_TOKEN_SECRET",
            "PVE_TOKEN_SECRET",
            "PVE_API_TOKEN_SECRET",
        ],
        definition: &credentials::API_TOKEN_SECRET,
        is_set: has_credential,
    },
    Foreign {
        names: &[
            "PROXMOX_TOKEN_ID",
            "PROXMOX_TOKEN_NAME",
            "PROXMOX_API_TOKEN_ID",
            "PVE_TOKEN_ID",
            "PVE_TOKEN_NAME",
            "PVE_API_TOKEN_ID",
        ],
        definition: &credentials::API_TOKEN_ID,
        is_set: has_credential,
    },
    Foreign {
        names: &["PROXMOX_API_TOKEN", "PVE_API_TOKEN", "PVE_TOKEN"],
        definition: &credentials::API_TOKEN,
        is_set: has_credential,
    },
    Foreign {
        names: &[
            "PROXMOX_INSECURE",
            "PROXMOX_TLS_INSECURE",
            "PROXMOX_SKIP_TLS_VERIFY",
            "PROXMOX_VALIDATE_CERTS",
            "PROXMOX_VERIFY_SSL",
            "PVE_INSECURE",
            "PVE_VERIFY_SSL",
        ],
        definition: &tls::VERIFY_SSL,
        is_set: |settings| !settings.tls.is_absent(),
    },
];

/// A warning about the variables of other tools whose value a connection lacks: they were probably
/// expected to be read.
pub fn of_other_tools(environment: &Environment, settings: &ConnectionSettings) -> Vec<Problem> {
    let lacking = FOREIGN.iter().filter(|one| !(one.is_set)(settings));
    let found = lacking.flat_map(|one| {
        let names = one.names.iter();
        names
            .filter(|name| environment.get(name).is_set())
            .map(|name| (name, one.definition))
    });
    let warnings = found.map(|(name, definition)| {
        let variable = definition.variables.first().unwrap_or(&"");
        let note = match definition.name {
            "username" => {
                " The ID of a token, user@realm!name, belongs in PROXMOX_VE_API_TOKEN_ID."
            }
            "api_token_secret" => {
                " The ID of the token belongs in PROXMOX_VE_API_TOKEN_ID. A whole token, \
                 user@realm!name=secret, belongs in PROXMOX_VE_API_TOKEN."
            }
            _ => "",
        };
        format!(
            "The provider does not read the environment variable {name}. Set {variable} instead, \
             or `{}` in the provider block.{note}",
            definition.name
        )
    });
    as_one("Environment variable of another tool", warnings)
}

/// One warning for all: the command lines print only the first of several with one summary.
fn as_one(summary: &'static str, details: impl Iterator<Item = String>) -> Vec<Problem> {
    let details: Vec<String> = details.collect();
    match details.is_empty() {
        true => Vec::new(),
        false => vec![Problem::new(
            summary,
            details.join("\n\n"),
            AttributePath::root(),
        )],
    }
}

/// A warning about such variables, with the names that were probably meant.
pub fn warnings(environment: &Environment) -> Vec<Problem> {
    let known = known();
    let mut found: Vec<(&str, &str)> = environment
        .names()
        .filter(|name| OF_OTHER_TOOLS.iter().all(|other| !name.starts_with(other)))
        .filter_map(|name| Some((name, meant(name, &known)?)))
        .collect();
    found.sort_unstable();
    let details = found.into_iter().map(|(name, meant)| {
        format!("The provider does not read the environment variable {name}. Did you mean {meant}?")
    });
    as_one("Unknown environment variable", details)
}

fn known() -> Vec<&'static str> {
    let variables = definitions().flat_map(|definition| definition.variables);
    variables.copied().collect()
}

/// The known name that is nearest to an unknown one, if it is near enough.
fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if known.contains(&name) {
        return None;
    }
    // A prefix that another provider used.
    if let Some(rest) = name.strip_prefix("PM_VE_") {
        let own = format!("PROXMOX_VE_{rest}");
        return known.iter().find(|known| **known == own).copied();
    }
    let prefix = ["PROXMOX_VE_", "PM_"]
        .into_iter()
        .find(|prefix| name.starts_with(prefix))?;
    let rest = name.strip_prefix(prefix)?;
    let alike: Vec<&str> = known
        .iter()
        .copied()
        .filter(|known| known.starts_with(prefix) && !known.starts_with("PM_VE_"))
        .collect();
    // The name written out: `PASSWORD` for `PASS`.
    let is_short_form = |known: &&&str| {
        let more = name.strip_prefix(**known);
        more.is_some_and(|more| !more.contains('_'))
    };
    if let Some(short) = alike.iter().find(is_short_form) {
        return Some(short);
    }
    let (known, distance) = nearest(name, alike).into_iter().next()?;
    (distance <= 1 + rest.len() / 8).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details<const N: usize>(variables: [&str; N]) -> Vec<String> {
        let environment = Environment::from(variables.map(|name| (name, "s3cr3t")));
        let warnings = warnings(&environment).into_iter();
        warnings.map(|warning| warning.detail.into()).collect()
    }

    #[test]
    fn a_name_that_is_nearly_right_gets_a_hint() {
        for (name, meant) in [
            ("PM_PSSS", "PM_PASS"),
            ("PM_PASSWORD", "PM_PASS"),
            ("PM_API_TOKEN_SECRT", "PM_API_TOKEN_SECRET"),
            ("PROXMOX_VE_API_TOKN", "PROXMOX_VE_API_TOKEN"),
            ("PROXMOX_VE_ENDPOINTT", "PROXMOX_VE_ENDPOINT"),
            ("PROXMOX_VE_USER_NAME", "PROXMOX_VE_USERNAME"),
            ("PM_VE_ENDPOINT", "PROXMOX_VE_ENDPOINT"),
        ] {
            let details = details([name]);
            assert_eq!(details.len(), 1, "{name}: {details:?}");
            assert!(
                details[0].contains(&format!("Did you mean {meant}?")),
                "{details:?}"
            );
            assert!(!details[0].contains("s3cr3t"));
        }
    }

    #[test]
    fn a_variable_of_another_tool_is_told_where_it_belongs() {
        let environment = Environment::from([
            ("PROXMOX_URL", "https://s3cr3t"),
            ("PROXMOX_USERNAME", "s3cr3t"),
            ("PROXMOX_TOKEN", "s3cr3t"),
            ("PROXMOX_VALIDATE_CERTS", "s3cr3t"),
        ]);
        let told = of_other_tools(&environment, &ConnectionSettings::default());
        assert_eq!(told.len(), 1);
        for (detail, words) in told[0].detail.split("\n\n").zip([
            ["PROXMOX_URL", "PROXMOX_VE_ENDPOINT"],
            ["PROXMOX_USERNAME", "PROXMOX_VE_USERNAME"],
            ["PROXMOX_TOKEN", "PROXMOX_VE_API_TOKEN_SECRET"],
            ["PROXMOX_VALIDATE_CERTS", "PROXMOX_VE_VERIFY_SSL"],
        ]) {
            assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
            assert!(!detail.contains("s3cr3t"), "{detail}");
        }
        // Nothing is expected of them where the provider has its own.
        let own = Environment::from([
            ("PROXMOX_VE_ENDPOINT", "pve1"),
            ("PROXMOX_VE_API_TOKEN", "root@pam!ci=s3cr3t"),
            ("PROXMOX_VE_VERIFY_SSL", "true"),
        ]);
        let (settings, _) = ConnectionSettings::from_environment(&own, &mut Vec::new());
        assert!(of_other_tools(&environment, &settings).is_empty());
    }

    #[test]
    fn what_is_read_and_what_other_tools_read_is_no_noise() {
        let none: [String; 0] = [];
        assert_eq!(
            details([
                "PROXMOX_VE_ENDPOINT",
                "PROXMOX_VE_ENDPOINTS",
                "PROXMOX_VE_INSECURE",
                "PROXMOX_VE_SSH_PASSWORD",
                "PROXMOX_VE_SSH_USERNAME",
                "PM_DEBUG",
                "PM_OTP_PROMPT",
                "PM_HTTP_HEADERS",
                "PM_SOMETHING_ELSE",
                "PM_PATH",
                "PROXMOX_URL",
                "PASS",
            ]),
            none
        );
    }
}
