//! Warnings about environment variables that look like a misspelled setting.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::nearest::nearest;
use crate::provider::settings::connection::definitions;
use crate::provider::settings::environment::Environment;

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

/// A warning for each such variable, with the name that was probably meant.
pub fn warnings(environment: &Environment) -> Vec<Problem> {
    let known = known();
    let mut found: Vec<(&str, &str)> = environment
        .names()
        .filter(|name| OF_OTHER_TOOLS.iter().all(|other| !name.starts_with(other)))
        .filter_map(|name| Some((name, meant(name, &known)?)))
        .collect();
    found.sort_unstable();
    let warnings = found.into_iter().map(|(name, meant)| {
        Problem::new(
            "Unknown environment variable",
            format!(
                "The provider does not read the environment variable {name}. Did you mean {meant}?"
            ),
            AttributePath::root(),
        )
    });
    warnings.collect()
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
