//! Settings from the environment: `PROXMOX_VE_` and the attribute's name in capitals, and as a
//! fallback the `PM_` names that other tools for Proxmox VE made common.

use std::collections::HashMap;

use crate::provider::settings::setting::{Setting, Source};

/// The variables for one setting: our own name, names other tools use, and the `PM_` fallback.
pub struct Variables {
    /// Names that begin with `PROXMOX_VE_`.
    pub own: &'static str,
    /// The fallback, if there is one.
    pub fallback: Option<&'static str>,
}

/// A copy of the environment, so that resolving settings is a pure function.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The environment of this process. Empty values count as unset, as in other providers.
    pub fn of_this_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    /// The value of one variable.
    pub fn get(&self, name: &'static str) -> Setting<String> {
        match self.0.get(name) {
            Some(value) => Setting::Known(value.clone(), Source::Variable(name)),
            None => Setting::Absent,
        }
    }

    /// The items of a variable that separates them by commas.
    pub fn list(&self, name: &'static str) -> Setting<Vec<String>> {
        let items = |text: String| text.split(',').map(|item| item.trim().to_owned()).collect();
        self.get(name).map(items)
    }

    /// The names of all variables that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of the first variable that is set: our own name, then the fallback.
    pub fn first(&self, variables: &Variables) -> Setting<String> {
        let fallback = variables.fallback.map(|name| self.get(name));
        self.get(variables.own).or(fallback.unwrap_or_default())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.into())
    }
}
