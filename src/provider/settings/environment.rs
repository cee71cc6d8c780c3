//! Settings from the environment: `PROXMOX_VE_` and the attribute's name in upper case, and as a
//! fallback the `PM_` names that other tools for Proxmox VE use.

use std::collections::HashMap;

use crate::provider::settings::definition::{Definition, Kind};
use crate::provider::settings::setting::{Setting, Source};

/// A copy of the environment, so that reading settings is a pure function.
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

    /// The value of the first variable that is set.
    pub fn first(&self, variables: &[&'static str]) -> Setting<String> {
        let values = variables.iter().map(|name| self.get(name));
        values.reduce(Setting::or).unwrap_or_default()
    }

    /// The values of an attribute: the items that a list separates by commas, or one value.
    pub fn values(&self, definition: &Definition) -> Setting<Vec<String>> {
        let text = self.first(definition.variables);
        match definition.kind {
            Kind::TextList => text.map(|text| items(&text)).unless_blank(),
            _ => text.map(|text| vec![text]),
        }
    }

    /// The names of all variables that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn items(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim);
    let items = items.filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let owned = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.into())
    }
}
