//! What a token holds while it is being granted and denied things.
//!
//! Kept exact through every step, so that a state after an error names what is really there, and
//! nothing that was granted is ever forgotten.

use std::collections::BTreeMap;

use crate::provider::api_token::acl;
use crate::provider::api_token::acl::{Acl, Grant};
use crate::pve::{Client, Context, Error, TokenId};

/// The grants of a token, as far as this configuration declared them.
#[derive(Debug, Default)]
pub struct Held(BTreeMap<(String, String), bool>);

impl From<&Acl> for Held {
    fn from(acl: &Acl) -> Self {
        let mut held = Self::default();
        acl::grants(acl).iter().for_each(|grant| held.add(grant));
        held
    }
}

impl Held {
    /// Makes these grants, in order, until one fails.
    pub async fn grant(
        &mut self,
        client: &Client,
        token: &TokenId,
        grants: &[Grant],
        context: &Context,
    ) -> Result<(), Error> {
        for grant in grants {
            let granted = client
                .grant_acl(token, &grant.path, &grant.role, grant.propagate, context)
                .await;
            // One whose answer was lost counts as made: the next read of the list settles it.
            if granted
                .as_ref()
                .err()
                .is_none_or(Error::may_have_taken_effect)
            {
                self.add(grant);
            }
            granted?;
        }
        Ok(())
    }

    /// Takes these grants away, in order, until one fails.
    pub async fn revoke(
        &mut self,
        client: &Client,
        token: &TokenId,
        grants: &[Grant],
        context: &Context,
    ) -> Result<(), Error> {
        for grant in grants {
            client
                .revoke_acl(token, &grant.path, &grant.role, context)
                .await?;
            self.0.remove(&(grant.path.clone(), grant.role.clone()));
        }
        Ok(())
    }

    /// One role at one path has one propagation.
    fn add(&mut self, grant: &Grant) {
        let key = (grant.path.clone(), grant.role.clone());
        self.0.insert(key, grant.propagate);
    }

    /// An `acl` attribute that says which of the declared entries are held, and nothing of others.
    pub fn declared(&self, declared: &Acl) -> Acl {
        let grants = acl::grants(declared);
        let held = self.0.iter().filter(|((path, role), _)| {
            grants
                .iter()
                .any(|grant| &grant.path == path && &grant.role == role)
        });
        Self(
            held.map(|(key, propagate)| (key.clone(), *propagate))
                .collect(),
        )
        .as_attribute(declared)
    }

    /// An `acl` attribute that says what is held, spelled as in `declared` where it was declared.
    pub fn as_attribute(&self, declared: &Acl) -> Acl {
        let grants: Vec<Grant> = self
            .0
            .iter()
            .map(|((path, role), propagate)| Grant {
                path: path.clone(),
                role: role.clone(),
                propagate: *propagate,
            })
            .collect();
        acl::holding(declared, &grants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_propagation_replaces_the_one_before() {
        let mut held = Held::default();
        for propagate in [true, false] {
            held.add(&Grant {
                path: "/vms".into(),
                role: "PVEAuditor".into(),
                propagate,
            });
        }
        assert_eq!(held.0.into_values().collect::<Vec<_>>(), [false]);
    }
}
