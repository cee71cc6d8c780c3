//! What a plan can look up of the owner of a token, and of the names that the token needs.
//!
//! A replacement revokes the old token before it creates the new one, so what would make the
//! creation fail is said before anything happens. Another resource of the same apply may create a
//! user or remove a token in time, so most findings are warnings.

use tf_provider::AttributePath;

use crate::framework::Problem;
use crate::provider::api_token::change::Change;
use crate::provider::api_token::model::Planned;
use crate::provider::api_token::plan::expiry::PlannedExpiry;
use crate::provider::api_token::plan::findings::Findings;
use crate::provider::api_token::private_state::Unsettled;
use crate::provider::api_token::slots::Slots;
use crate::provider::attributes::timestamp;
use crate::provider::clients::call_within;
use crate::pve::{CachedClient, Error, Expiry, Owner, TokenId};

/// Looks up the owner and the names of a token that is to be created. `is_managed` tells the tokens
/// that resources of this run have.
pub async fn of_new(
    client: &CachedClient,
    planned: &Planned,
    is_managed: impl Fn(&TokenId) -> bool,
) -> Result<Findings, Error> {
    let Some(slots) = Slots::of(planned) else {
        return Ok(Findings::default());
    };
    let (user, context) = (&slots.base.user, call_within(planned.timeout("read")));
    // During an apply each creation outdates what was read before, so an owner about whom nothing
    // is found is not read again. A finding counts only if it still holds.
    let seen = client.user_as_first_seen(user, &context).await?;
    let findings = of_owner(seen.as_deref(), &slots, planned, &is_managed);
    if findings.is_empty() {
        return Ok(findings);
    }
    let owner = client.user(user, &context).await?;
    Ok(of_owner(owner.as_deref(), &slots, planned, &is_managed))
}

/// What stands in the way of a new token of this owner, or limits it.
fn of_owner(
    owner: Option<&Owner>,
    slots: &Slots,
    planned: &Planned,
    is_managed: &impl Fn(&TokenId) -> bool,
) -> Findings {
    let (base, mut findings) = (&slots.base, Findings::default());
    let Some(owner) = owner else {
        findings.warnings.push(no_owner(base));
        return findings;
    };
    if owner.token(base).is_some() && !is_managed(base) {
        findings.warnings.push(taken(base));
    }
    if planned.overlap().is_some() && owner.token(&slots.other).is_some() {
        findings.second_name(&slots.other, is_managed);
    }
    findings.warnings.extend(owner_ends(owner, base, planned));
    findings
}

/// Looks up the name that a rotation of an existing token needs, and its owner where the token gets
/// another expiry.
pub async fn of_change(
    client: &CachedClient,
    change: &Change,
    is_managed: impl Fn(&TokenId) -> bool,
) -> Result<Findings, Error> {
    let (prior, planned, slots) = (&change.prior, &change.planned, &change.slots);
    let needs_name = change.alternates() && change.rotation.is_some()
        || planned.overlap().is_some() && prior.overlap().is_none();
    let gets_expiry = change.rotation.is_some() || planned.expires_at != prior.expires_at;
    let mut findings = Findings::default();
    if !needs_name && !gets_expiry {
        return Ok(findings);
    }
    let context = call_within(planned.timeout("read"));
    let Some(owner) = client.user(&slots.live.user, &context).await? else {
        return Ok(findings);
    };
    let next = slots.next();
    let is_own = slots.previous.as_ref() == Some(next)
        || change.live_is_gone()
        || change.unsettled == Some(Unsettled::NextToken);
    if needs_name && !is_own && owner.token(next).is_some() {
        findings.second_name(next, is_managed);
    }
    if gets_expiry {
        findings
            .warnings
            .extend(owner_ends(&owner, &slots.live, planned));
    }
    Ok(findings)
}

impl Findings {
    /// A token under the name that a rotation needs. One that another resource has may be about to
    /// be destroyed.
    fn second_name(&mut self, token: &TokenId, is_managed: impl Fn(&TokenId) -> bool) {
        let problem = other_name_taken(token);
        match is_managed(token) {
            true => self.warnings.push(problem),
            false => self.problems.push(problem),
        }
    }
}

/// The name that a rotation with overlap needs is taken.
pub fn other_name_taken(other: &TokenId) -> Problem {
    Problem::new(
        "Second name of the API token is taken",
        format!(
            "With `overlap`, a rotation needs the name {other}, and Proxmox VE already has a token \
             of that name which, by the state, this resource did not create. That token was left \
             unchanged. It can belong to another user, or to another run of this configuration, \
             also to one that was killed. Choose another `token_name`, revoke that token if \
             nothing uses it, or remove `overlap`."
        ),
        AttributePath::new("rotation").attribute("overlap"),
    )
}

fn no_owner(token: &TokenId) -> Problem {
    Problem::new(
        "Owner of the API token does not exist",
        format!(
            "Proxmox VE has no user {}, so {token} cannot be created unless the same apply creates \
             the user first. Create the user, or correct `user_id`: the realm follows the @.",
            token.user
        ),
        AttributePath::new("user_id"),
    )
}

fn taken(token: &TokenId) -> Problem {
    Problem::new(
        "API token already exists",
        format!(
            "Proxmox VE already has a token {token}, which no resource of this plan manages, so it \
             cannot be created unless the same apply removes it first. Choose another \
             `token_name`, or import the token."
        ),
        AttributePath::new("token_name"),
    )
}

/// The warning about an owner that is disabled, or that expires before its token: the server
/// refuses the tokens of such a user (recordings `503-token-of-disabled-user`,
/// `504-token-create-for-disabled-user`).
fn owner_ends(owner: &Owner, token: &TokenId, planned: &Planned) -> Option<Problem> {
    let user = &owner.user_id;
    if !owner.details_known {
        return None;
    }
    if !owner.enabled {
        return Some(Problem::new(
            "Owner of the API token is disabled",
            format!(
                "The user {user} is disabled, and Proxmox VE refuses the tokens of a disabled \
                 user. {token} cannot be used until the user is enabled (Datacenter > Permissions \
                 > Users)."
            ),
            AttributePath::new("user_id"),
        ));
    }
    let end = owner.expire.date()?;
    let now = owner.observed_at.into();
    let ends_sooner = match PlannedExpiry::of(planned, None, None) {
        PlannedExpiry::Unknown => false,
        expiry => owner.expire < expiry.at(now),
    };
    ends_sooner.then(|| {
        Problem::new(
            "Owner of the API token expires first",
            format!(
                "The user {user} {} at {}, and Proxmox VE refuses the tokens of an expired user, \
                 whatever their own expiry. Give the user a later expiry (Datacenter > Permissions \
                 > Users), or give {token} an expiry that is not later.",
                match Expiry::At(now) < owner.expire {
                    true => "expires",
                    false => "has expired",
                },
                timestamp::format(end).unwrap_or_default()
            ),
            AttributePath::new("user_id"),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tf_provider::value::Value;
    use time::OffsetDateTime;

    use super::*;
    use crate::provider::api_token::model::State;
    use crate::pve::Timestamp;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn owner(enabled: bool, expire: Expiry) -> Owner {
        Owner {
            user_id: "demo@pve".parse().unwrap(),
            details_known: true,
            second_factor_locked: false,
            enabled,
            expire,
            groups: Vec::new(),
            comment: None,
            tokens: std::collections::BTreeMap::new(),
            observed_at: OffsetDateTime::UNIX_EPOCH + DAY,
        }
    }

    fn summary(owner: &Owner, expires_in: Option<&str>) -> Option<&'static str> {
        let planned = Planned(State {
            expires_in: expires_in.map(str::to_owned).into(),
            user_id: Value::Value("demo@pve".into()),
            token_name: Value::Value("ci".into()),
            ..State::default()
        });
        let token = Slots::of(&planned).unwrap().base;
        owner_ends(owner, &token, &planned).map(|warning| warning.summary)
    }

    #[test]
    fn the_plan_warns_of_an_owner_that_ends_before_its_token() {
        const DISABLED: Option<&str> = Some("Owner of the API token is disabled");
        const FIRST: Option<&str> = Some("Owner of the API token expires first");
        let later = Expiry::At(Timestamp::from(OffsetDateTime::UNIX_EPOCH) + 10 * DAY);
        assert_eq!(summary(&owner(true, Expiry::Never), None), None);
        assert_eq!(summary(&owner(false, Expiry::Never), None), DISABLED);
        assert_eq!(summary(&owner(true, later), None), FIRST);
        assert_eq!(summary(&owner(true, later), Some("9d")), None);
        assert_eq!(summary(&owner(true, later), Some("10d")), FIRST);
        let unknown = Owner {
            details_known: false,
            second_factor_locked: false,
            ..owner(false, later)
        };
        assert_eq!(summary(&unknown, None), None);
    }
}
