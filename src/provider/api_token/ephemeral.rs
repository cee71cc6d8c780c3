//! The ephemeral resource `proxmox_api_token`: a token that exists while one command runs.
//!
//! Terraform opens it in each plan and in each apply, so each has a token under a name of its own,
//! and several can be open at once. The expiry is the safety net for a run that is killed: a
//! renewal moves it while the token is in use, and the end of the run revokes the token.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use crate::framework::{Deferred, EphemeralResource, Opened, Problem, Renewed, Report, schema};
use crate::provider::api_token::acl::{Acl, Grants};
use crate::provider::api_token::apply::messages::{self, Purpose};
use crate::provider::api_token::apply::mint::{Creation, Precheck, look_at_owner, mint};
use crate::provider::api_token::apply::roles;
use crate::provider::api_token::ephemeral_name;
use crate::provider::api_token::model::{Config, Planned, State};
use crate::provider::api_token::plan::validate::{owner_id, validate};
use crate::provider::api_token::schema::acl_attribute;
use crate::provider::attributes::secret::StoredSecret;
use crate::provider::attributes::{duration, timestamp};
use crate::provider::clients::{Connections, Revocation, Write, cluster_attribute, context};
use crate::provider::diagnostics;
use crate::pve::diagnosis::Rejection;
use crate::pve::{
    ApiToken, CachedClient, Context, Expiry, IdError, Owner, Timestamp, TokenChange, TokenId,
};

const NAME: &str = "ephemeral.proxmox_api_token";

/// The lifetime of a token whose configuration names none.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The longest lifetime. A token that has to live longer is a resource.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The time limit of the revocation: OpenTofu gives up after ten seconds.
const CLOSE_LIMIT: Duration = Duration::from_secs(8);

/// A token that exists while one command runs.
pub struct EphemeralApiToken {
    connections: Connections,
}

impl EphemeralApiToken {
    /// An ephemeral resource that uses the provider's connections.
    pub fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

/// The attributes of the ephemeral block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    cluster: Value<String>,
    user_id: Value<String>,
    comment: Value<String>,
    privilege_separation: Value<bool>,
    acl: Acl,
    expires_in: Value<String>,
    token_id: Value<String>,
    secret: Value<StoredSecret>,
    api_token: Value<StoredSecret>,
    expires_at: Value<String>,
}

/// What the renewal and the revocation of an open token need to know. It holds no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    cluster: Option<String>,
    token: String,
    lifetime_s: u64,
}

impl Model {
    /// The same configuration as that of a resource, for the rules that hold for both.
    fn as_resource(&self) -> State {
        State {
            cluster: self.cluster.clone(),
            user_id: self.user_id.clone(),
            comment: self.comment.clone(),
            privilege_separation: self.privilege_separation,
            acl: self.acl.clone(),
            expires_in: self.expires_in.clone(),
            ..State::default()
        }
    }

    fn lifetime(&self) -> Duration {
        duration::known(&self.expires_in).unwrap_or(DEFAULT_LIFETIME)
    }

    fn is_without_privileges(&self) -> bool {
        self.as_resource().is_separated() && Grants::declared(&self.acl).is_empty()
    }
}

impl Open {
    fn token(&self) -> Result<TokenId, Problem> {
        let parsed = self.token.parse();
        parsed.map_err(|error: IdError| messages::problem(UNABLE_TO_CLOSE, format!("{error}.")))
    }

    fn cluster(&self) -> Value<String> {
        self.cluster.clone().into()
    }

    fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime_s)
    }

    /// Halfway to its expiry, so that a renewal that fails leaves time.
    fn renew_at(&self) -> Option<SystemTime> {
        SystemTime::now().checked_add(self.lifetime() / 2)
    }
}

const UNABLE_TO_OPEN: &str = "Unable to create ephemeral API token";
const UNABLE_TO_RENEW: &str = "Unable to renew ephemeral API token";
const UNABLE_TO_CLOSE: &str = "Unable to revoke ephemeral API token";

/// What becomes of a token that is left behind.
const EXPIRES_BY_ITSELF: &str = "it expires by itself, at the latest after `expires_in`.";

#[async_trait]
impl EphemeralResource for EphemeralApiToken {
    type Model = Model;
    type Private = Option<Open>;

    fn schema(&self) -> Schema {
        use AttributeType::{Bool, String};
        use schema::{computed, optional, required, sensitive};

        schema::schema(
            "An API token that exists while one command runs: created when Terraform opens it, \
             extended while it is in use, and revoked at the end. Neither the state nor a plan \
             holds any of it.\n\n\
             Terraform opens ephemeral resources in each plan and in each apply, so each of them \
             writes to the server. If a run is killed, its token remains until it expires; \
             `proxmox_api_tokens` finds such tokens as `leftover_ephemeral`.",
            [
                cluster_attribute(
                    "Key of the provider's `clusters` on which the token is created. Defaults to \
                     the provider's own connection.",
                ),
                (
                    "user_id",
                    required(
                        String,
                        "Owner of the token, with realm, such as `automation@pve`. The user must \
                         exist.",
                    ),
                ),
                (
                    "comment",
                    optional(String, "Comment that Proxmox VE shows beside the token."),
                ),
                (
                    "privilege_separation",
                    optional(
                        Bool,
                        "Whether the token has only the privileges that `acl` grants it, rather \
                         than all privileges of its owner. Defaults to `true`.",
                    ),
                ),
                (
                    "acl",
                    acl_attribute(
                        "Entries of the token in the access control list. Requires \
                         `privilege_separation`. A token never has more privileges than its owner.",
                    ),
                ),
                (
                    "expires_in",
                    optional(
                        String,
                        "Time after which the token expires if the run does not end before, such \
                         as `30m` (units `s`, `m`, `h` and `d`; at most `1d`). It is extended while \
                         the token is in use. Defaults to `1h`.",
                    ),
                ),
                (
                    "token_id",
                    computed(String, "Id of the token: `user@realm!name`."),
                ),
                (
                    "secret",
                    sensitive(computed(String, "Secret of the token.")),
                ),
                (
                    "api_token",
                    sensitive(computed(
                        String,
                        "`token_id` and `secret` as one string, `user@realm!name=secret`, in the \
                         form that other providers and tools expect.",
                    )),
                ),
                (
                    "expires_at",
                    computed(
                        String,
                        "Time at which the token expires unless it is extended, in UTC (RFC 3339).",
                    ),
                ),
            ],
        )
    }

    fn validate(&self, config: Model) -> Result<(), Problem> {
        let problems = validate(&Config(config.as_resource()));
        problems.into_iter().next().map_or(Ok(()), Err)?;
        match config.lifetime() > LONGEST_LIFETIME {
            true => Err(Problem::new(
                "Invalid API token configuration",
                "`expires_in` is invalid: it must be at most \"1d\". For a token that lives longer, \
                 use the resource `proxmox_api_token`.",
                AttributePath::new("expires_in"),
            )),
            false => Ok(()),
        }
    }

    fn deferred(&self, config: &Model) -> Option<Deferred> {
        self.connections.deferred(&config.cluster)
    }

    async fn open(
        &self,
        config: Model,
        diags: &mut Diagnostics,
    ) -> Result<Opened<Model, Option<Open>>, Problem> {
        self.validate(config.clone())?;
        let token = new_token_id(&config)?;
        self.connections
            .refuse_one_time_code(&config.cluster, NAME)?;
        let writer = self
            .connections
            .writer(&config.cluster, &token, Write::Change);
        let writer = writer.await?;
        let created = create(writer.client(), &token, &config, diags).await;
        if created.is_err() {
            writer.revoked(&token);
        }
        let (credential, expiry) = created?;
        let difference = writer.client().clock_difference();
        diags.warnings(difference.map(|difference| messages::clocks_differ(&token, &difference)));
        if config.is_without_privileges() {
            diags.warnings([without_privileges(&token)]);
        }
        let open = Open {
            cluster: config.cluster.as_ref_option().cloned(),
            token: token.to_string(),
            lifetime_s: config.lifetime().as_secs(),
        };
        Ok(Opened {
            result: Model {
                token_id: Value::Value(token.to_string()),
                api_token: credential.joined().into(),
                secret: credential.secret.into(),
                expires_at: timestamp::attribute(expiry),
                ..config
            },
            renew_at: open.renew_at(),
            private: Some(open),
        })
    }

    async fn renew(
        &self,
        private: Option<Open>,
        _diags: &mut Diagnostics,
    ) -> Result<Renewed<Option<Open>>, Problem> {
        let Some(open) = private else {
            return Err(lost(UNABLE_TO_RENEW));
        };
        let (token, cluster) = (open.token()?, open.cluster());
        let writer = self.connections.writer(&cluster, &token, Write::Change);
        let writer = writer.await?;
        let client = writer.client();
        let change = TokenChange {
            expire: Some(expiry_after(client, open.lifetime())),
            ..TokenChange::default()
        };
        // The token may expire while other writes wait.
        let context = Context {
            goes_first: true,
            ..context()
        };
        let extended = client.update_token(&token, &change, &context).await;
        extended
            .map_err(|error| diagnostics::problem(UNABLE_TO_RENEW, &token.to_string(), &error))?;
        Ok(Renewed {
            renew_at: open.renew_at(),
            private: Some(open),
        })
    }

    async fn close(&self, private: Option<Open>, _diags: &mut Diagnostics) -> Result<(), Problem> {
        let Some(open) = private else {
            return Err(lost(UNABLE_TO_CLOSE));
        };
        let token = open.token()?;
        let revoked = tokio::time::timeout(CLOSE_LIMIT, self.revoke(&open, &token)).await;
        revoked.unwrap_or_else(|_| {
            Err(messages::problem(
                UNABLE_TO_CLOSE,
                format!(
                    "{token}: the server did not confirm the revocation within {} seconds. If the \
                     token still exists, {EXPIRES_BY_ITSELF}",
                    CLOSE_LIMIT.as_secs()
                ),
            ))
        })
    }
}

impl EphemeralApiToken {
    async fn revoke(&self, open: &Open, token: &TokenId) -> Result<(), Problem> {
        let revocation = Revocation {
            tokens: vec![(token.clone(), None)],
            allow_self_lockout: false,
        };
        let write = Write::Revoke(revocation);
        let cluster = open.cluster();
        let writer = self.connections.writer(&cluster, token, write).await?;
        // Also when Terraform has asked to stop.
        let context = Context {
            goes_first: true,
            ..Context::default()
        };
        let client = writer.client();
        let revoked = match client.delete_token(token, &context).await {
            // Nobody else has a token of this name, so to revoke it twice does no harm.
            Err(error) if error.may_have_taken_effect() => {
                client.delete_token(token, &context).await
            }
            revoked => revoked,
        };
        let failed = |error| {
            diagnostics::problem(UNABLE_TO_CLOSE, &token.to_string(), &error)
                .with_sentence(&format!("If the token still exists, {EXPIRES_BY_ITSELF}"))
        };
        revoked.map_err(failed)?;
        writer.revoked(token);
        Ok(())
    }
}

/// An id that no other token has.
fn new_token_id(config: &Model) -> Result<TokenId, Problem> {
    let user = config.user_id.as_ref_option().map(String::as_str);
    let user = owner_id(user.unwrap_or_default())?;
    let name = ephemeral_name::unique().ok_or_else(|| {
        let reason = "The system provides no random numbers for the name of the token.";
        messages::problem(UNABLE_TO_OPEN, reason.to_owned())
    })?;
    Ok(TokenId::new(user, name))
}

/// Creates a token with its grants. After an error there is none.
async fn create(
    client: &CachedClient,
    token: &TokenId,
    config: &Model,
    diags: &mut Diagnostics,
) -> Result<(ApiToken, Expiry), Problem> {
    let (context, grants) = (context(), Grants::declared(&config.acl));
    let owner = look_at_owner(client, token, &context).await?;
    check_owner(owner.as_deref(), token)?;
    roles::require(client, token, &grants, &context).await?;
    let expiry = expiry_after(client, config.lifetime());
    let new = Planned(config.as_resource()).new_token(expiry);
    let precheck = Precheck::of(owner.as_deref());
    let secret = match mint(client, token, &new, precheck, Purpose::OneRun, &context).await {
        Ok(Creation::Ready(secret, warning)) => {
            diags.warnings(warning);
            secret
        }
        Ok(Creation::SecretLost(problem)) => return Err(undone(client, token, problem).await),
        // Without a look at the owner, a lost response is not investigated.
        Err(problem) if precheck == Precheck::Unknown => {
            return Err(undone(client, token, problem).await);
        }
        Err(problem) => return Err(problem),
    };
    let mut held = Grants::default();
    if let Err(error) = held.write(&grants, client, token, &context).await {
        return Err(undone(client, token, messages::not_granted(token, &error)).await);
    }
    let id = token.clone();
    Ok((ApiToken { id, secret }, expiry))
}

/// Revokes a token that could not be completed, if it exists.
async fn undone(client: &CachedClient, token: &TokenId, problem: Problem) -> Problem {
    // Also when Terraform has asked to stop.
    match client.delete_token(token, &Context::default()).await {
        Ok(_) => problem,
        Err(error) => problem.with_sentence(&format!(
            "Revoking {token} failed: {error}. If the token exists, {EXPIRES_BY_ITSELF}"
        )),
    }
}

/// The expiry of a token with this lifetime, on the server's clock.
fn expiry_after(client: &CachedClient, lifetime: Duration) -> Expiry {
    Expiry::At(Timestamp::from(client.server_now()) + lifetime)
}

/// Refuses an owner whose tokens do not work.
fn check_owner(owner: Option<&Owner>, token: &TokenId) -> Result<(), Problem> {
    let owner = owner.filter(|owner| owner.details_known);
    let (reason, remedy) = match owner.and_then(Rejection::of_owner) {
        None => return Ok(()),
        Some(Rejection::UserDisabled(_)) => ("is disabled", "Enable the user"),
        Some(_) => ("has expired", "Extend the expiry of the user"),
    };
    Err(Problem::new(
        "Owner of the API token cannot be used",
        format!(
            "{} {reason}, so a token of this user would not work, and none was created. {remedy} \
             under Datacenter > Permissions > Users, or set `user_id` to another user.",
            token.user
        ),
        AttributePath::new("user_id"),
    ))
}

fn without_privileges(token: &TokenId) -> Problem {
    messages::problem(
        "API token has no privileges",
        format!(
            "{token} has privilege separation and no entries in `acl`. Set `acl`, or \
             `privilege_separation = false` for all privileges of the owner."
        ),
    )
}

/// A private state that is not one of this resource.
fn lost(summary: &'static str) -> Problem {
    messages::problem(
        summary,
        format!("The private state does not name the token. If it exists, {EXPIRES_BY_ITSELF}"),
    )
}
