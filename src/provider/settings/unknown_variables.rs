//! Variables that somebody set and nobody reads, because their names are nearly those of settings.

use tf_provider::{AttributePath, Diagnostics};

use crate::framework::Report;
use crate::provider::nearest::nearest;
use crate::provider::settings::environment::Environment;
use crate::provider::settings::schema;

/// The fallback names, and names of our own that are not an attribute's.
const OTHERS: [&str; 13] = [
    "PROXMOX_VE_INSECURE",
    "PROXMOX_VE_MIN_TLS",
    "PM_API_URL",
    "PM_API_TOKEN",
    "PM_API_TOKEN_ID",
    "PM_API_TOKEN_SECRET",
    "PM_USER",
    "PM_PASS",
    "PM_TOTP_SECRET",
    "PM_OTP",
    "PM_TLS_INSECURE",
    "PM_TIMEOUT",
    "PM_PROXY",
];

/// What other tools for Proxmox VE read and this provider has no use for.
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

/// Warns of each, with the name that was probably meant.
pub fn warn(environment: &Environment, diags: &mut Diagnostics) {
    let known = known();
    let mut found: Vec<(&str, &str)> = environment
        .names()
        .filter(|name| OF_OTHER_TOOLS.iter().all(|other| !name.starts_with(other)))
        .filter_map(|name| Some((name, meant(name, &known)?)))
        .collect();
    found.sort_unstable();
    for (name, meant) in found {
        diags.warn(
            "Unknown environment variable",
            format!("The environment variable {name} is not read. Was {meant} meant?"),
            AttributePath::root(),
        );
    }
}

fn known() -> Vec<String> {
    let own = schema::attributes()
        .map(|(attribute, _)| format!("PROXMOX_VE_{}", attribute.to_uppercase()));
    own.into_iter().chain(OTHERS.map(str::to_owned)).collect()
}

/// The known name that is nearest to one that is not known, if it is near.
fn meant<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    if known.iter().any(|known| known == name) {
        return None;
    }
    // An older prefix of another provider.
    if let Some(rest) = name.strip_prefix("PM_VE_") {
        let own = format!("PROXMOX_VE_{rest}");
        return known
            .iter()
            .find(|known| **known == own)
            .map(String::as_str);
    }
    let prefix = ["PROXMOX_VE_", "PM_"]
        .into_iter()
        .find(|prefix| name.starts_with(prefix))?;
    let rest = name.strip_prefix(prefix)?;
    let alike: Vec<&str> = known
        .iter()
        .map(String::as_str)
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

    fn told<const N: usize>(variables: [&str; N]) -> Vec<String> {
        let environment = Environment::from(variables.map(|name| (name, "s3cr3t")));
        let mut diags = Diagnostics::default();
        warn(&environment, &mut diags);
        let details = diags.warnings.iter().map(|warning| warning.detail.as_ref());
        details.map(str::to_owned).collect()
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
            let told = told([name]);
            assert_eq!(told.len(), 1, "{name}: {told:?}");
            assert!(told[0].contains(&format!("Was {meant} meant?")), "{told:?}");
            assert!(!told[0].contains("s3cr3t"));
        }
    }

    #[test]
    fn what_is_read_and_what_other_tools_read_is_no_noise() {
        let none: [String; 0] = [];
        assert_eq!(
            told([
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
