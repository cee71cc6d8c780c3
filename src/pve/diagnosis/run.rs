//! The stages of the check.

use std::time::{Duration, Instant};

use crate::pve::api::access::Realm;
use crate::pve::api::nodes::{ClusterStatus, Node};
use crate::pve::auth::credentials::Credentials;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::diagnosis::cause::{Cause, Rejected, UnknownRealm};
use crate::pve::diagnosis::privileges::Lookup;
use crate::pve::diagnosis::report::{Report, Requirements, Stage};
use crate::pve::diagnosis::{cluster, product, rejection};
use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::request::Request;

/// The oldest supported major version. The access API of older ones differs too much.
const OLDEST_MAJOR: u32 = 7;

/// Checks a connection stage by stage.
///
/// It reads the realms without credentials, the version, the privileges at one path after the
/// other, the nodes and the cluster: over one connection, and each once. Facts that the credential
/// may not read stay unknown, which is no failure.
///
/// A check that fails makes further requests to find the cause. A `lookup_client` has another
/// credential for the same server, which may see why the first one is rejected, and which
/// privileges the owner of a token has.
pub async fn check(
    client: &CachedClient,
    lookup_client: Option<&CachedClient>,
    requirements: &Requirements,
    context: &Context,
) -> Report {
    let credentials = &client.settings().credentials;
    let mut report = Report::begin(credentials.method(), credentials.identity());
    report.pass(Stage::Endpoint, Duration::ZERO);
    let mut run = Run {
        client,
        lookup_client,
        context,
        report,
    };
    match run.stages(requirements).await {
        // After a failover, the node that responded.
        Ok(()) | Err(Stopped) => Report {
            endpoint: Some(client.endpoint().clone()),
            ..run.report
        },
    }
}

/// The check ended at a stage that later ones depend on.
struct Stopped;

struct Run<'a> {
    client: &'a CachedClient,
    lookup_client: Option<&'a CachedClient>,
    context: &'a Context,
    report: Report,
}

impl Run<'_> {
    async fn stages(&mut self, requirements: &Requirements) -> Result<(), Stopped> {
        let realms = self.is_it_proxmox().await?;
        if matches!(self.client.settings().credentials, Credentials::None)
            && requirements.privileges.is_empty()
        {
            return Ok(());
        }
        self.authentication(&realms).await?;
        self.privileges(requirements).await?;
        self.cluster().await;
        Ok(())
    }

    async fn is_it_proxmox(&mut self) -> Result<Vec<Realm>, Stopped> {
        let begun = Instant::now();
        let answered = match self.realms().await {
            Err(error) => Err(self.named(as_foreign(error)).await),
            realms => realms,
        };
        match answered {
            Ok(realms) => {
                for stage in [Stage::Dns, Stage::Tcp, Stage::Tls] {
                    self.report.pass(stage, Duration::ZERO);
                }
                self.report.pass(Stage::Proxmox, begun.elapsed());
                Ok(realms)
            }
            Err(error) => Err(self.not_reached(error, begun.elapsed())),
        }
    }

    async fn realms(&mut self) -> Result<Vec<Realm>, Error> {
        let request = Request::get(&["access", "domains"]).anonymous();
        let response = self.client.send(request, self.context).await?;
        self.report.certificate_fingerprint = response.fingerprint;
        let request = response.request.clone();
        let realms: Vec<Realm> = response.decode()?;
        match product::among(&realms) {
            None => Ok(realms),
            Some(product) => Err(Error::new(
                request,
                ErrorKind::NotProxmox {
                    detail: format!("{product} responded"),
                },
            )),
        }
    }

    /// Adds the title of the host's page to the error of one that is not Proxmox VE.
    async fn named(&self, mut error: Error) -> Error {
        if let ErrorKind::NotProxmox { detail } = &mut error.kind
            && let Some(title) = product::title(self.client, self.context).await
        {
            detail.push_str(&format!("; the title of its web page is {title:?}"));
        }
        error
    }

    /// Records the failure of the first request, which tells the stages that it passed.
    fn not_reached(&mut self, error: Error, elapsed: Duration) -> Stopped {
        let stage = Stage::from(&error).min(Stage::Proxmox);
        for passed in Stage::ALL
            .into_iter()
            .filter(|passed| (Stage::Dns..stage).contains(passed))
        {
            self.report.pass(passed, Duration::ZERO);
        }
        if let ErrorKind::Tls { failure } = &error.kind {
            self.report.certificate_fingerprint =
                failure.certificate().map(|seen| seen.fingerprint);
        }
        self.stop(stage, Cause::Request(error), elapsed)
    }

    async fn authentication(&mut self, realms: &[Realm]) -> Result<(), Stopped> {
        let begun = Instant::now();
        let version = match self.client.version(self.context).await {
            Ok(version) => version,
            Err(error) => {
                let stage = match Stage::from(&error) {
                    Stage::SecondFactor => {
                        self.report.pass(Stage::Authentication, Duration::ZERO);
                        Stage::SecondFactor
                    }
                    _ => Stage::Authentication,
                };
                let cause = self.rejected(error, realms).await;
                return Err(self.stop(stage, cause, begun.elapsed()));
            }
        };
        let too_old = version.major().is_some_and(|major| major < OLDEST_MAJOR);
        let text = version.version.clone();
        self.report.version = Some(version);
        if too_old {
            let cause = Cause::UnsupportedVersion {
                version: text,
                oldest: OLDEST_MAJOR,
            };
            return Err(self.stop(Stage::Authentication, cause, begun.elapsed()));
        }
        self.report.pass(Stage::Authentication, begun.elapsed());
        self.report.pass(Stage::SecondFactor, Duration::ZERO);
        Ok(())
    }

    /// The other client, if it has the same node. Another node may not have the same state yet.
    fn lookup_client(&self) -> Option<&CachedClient> {
        let same_node = |other: &&CachedClient| other.endpoint() == self.client.endpoint();
        self.lookup_client.filter(same_node)
    }

    /// The cause of an error of the first request that needs credentials.
    async fn rejected(&self, error: Error, realms: &[Realm]) -> Cause {
        let ErrorKind::Unauthenticated { failure, .. } = &error.kind else {
            return Cause::Request(error);
        };
        let reason = match self.lookup_client() {
            None => None,
            Some(client) => {
                let credentials = &self.client.settings().credentials;
                let reason = rejection::look_up(credentials, *failure, client, self.context).await;
                reason.zip(client.settings().credentials.identity())
            }
        };
        Cause::Rejected(Box::new(Rejected {
            unknown_realm: self.unknown_realm(realms),
            reason,
            error,
        }))
    }

    /// The user's realm, if the host does not have it: the server rejects a login there like any
    /// other (recording `229-ticket-unknown-realm`).
    fn unknown_realm(&self, realms: &[Realm]) -> Option<UnknownRealm> {
        let user = self.client.settings().credentials.user()?;
        let known: Vec<String> = realms.iter().map(|realm| realm.realm.clone()).collect();
        let is_unknown = !known.is_empty() && known.iter().all(|realm| realm != user.realm());
        is_unknown.then(|| UnknownRealm {
            realm: user.realm().to_owned(),
            known,
        })
    }

    async fn privileges(&mut self, requirements: &Requirements) -> Result<(), Stopped> {
        let begun = Instant::now();
        if requirements.privileges.is_empty() {
            // A user without privileges is intended; a token without privileges is often a mistake.
            if self.is_token()
                && let Ok(none) = self.client.has_no_permissions(self.context).await
            {
                self.report.no_privileges = none;
                self.report.pass(Stage::Privileges, begun.elapsed());
            }
            return Ok(());
        }
        for (path, required) in &requirements.privileges {
            let granted = match self.client.permissions(path, self.context).await {
                Ok(granted) => granted,
                Err(error) => {
                    let cause = Cause::Request(error);
                    return Err(self.stop(Stage::Privileges, cause, begun.elapsed()));
                }
            };
            let missing: Vec<String> = required
                .iter()
                .filter(|name| !granted.contains(name))
                .cloned()
                .collect();
            if !missing.is_empty() {
                self.report.missing_privileges.insert(path.clone(), missing);
            }
            self.report
                .privileges
                .insert(path.clone(), granted.names().map(str::to_owned).collect());
        }
        if self.report.missing_privileges.is_empty() {
            self.report.pass(Stage::Privileges, begun.elapsed());
            return Ok(());
        }
        self.report.no_privileges = self.has_no_privileges().await;
        let lookup = Lookup {
            client: self.client,
            lookup_client: self.lookup_client(),
            context: self.context,
            requirements,
        };
        let missing = &self.report.missing_privileges;
        let cause = lookup.cause(missing, self.report.no_privileges).await;
        self.report.fail(
            Stage::Privileges,
            Cause::MissingPrivileges(Box::new(cause)),
            begun.elapsed(),
        );
        Ok(())
    }

    /// Whether the credential is a token without any privilege (recording
    /// `158-use-permissions-privsep1-noacl`).
    async fn has_no_privileges(&self) -> bool {
        let nothing_seen = self.report.privileges.values().all(Vec::is_empty);
        let nothing = nothing_seen && self.is_token();
        nothing
            && self
                .client
                .has_no_permissions(self.context)
                .await
                .unwrap_or(false)
    }

    fn is_token(&self) -> bool {
        matches!(self.client.settings().credentials, Credentials::Token(_))
    }

    async fn cluster(&mut self) {
        let begun = Instant::now();
        let cause = match self.cluster_facts(begun).await {
            Ok((nodes, status)) => {
                self.report.nodes = cluster::members(&nodes, &status);
                self.report.quorate = status.quorate;
                self.report.cluster_name.clone_from(&status.name);
                cluster::judge(&nodes, &status)
            }
            Err(error) => Some(Cause::Request(error)),
        };
        match cause {
            None => self.report.pass(Stage::Cluster, begun.elapsed()),
            Some(cause) if cause.status().is_ok() => {
                self.report
                    .pass_with(Stage::Cluster, cause, begun.elapsed());
            }
            Some(cause) => self.report.fail(Stage::Cluster, cause, begun.elapsed()),
        }
    }

    /// The nodes first: every credential may list them, and a refusal closes the connection.
    async fn cluster_facts(&mut self, begun: Instant) -> Result<(Vec<Node>, ClusterStatus), Error> {
        let nodes = self.client.nodes(self.context).await?;
        self.report.latency = Some(begun.elapsed());
        match self.client.cluster_status(self.context).await {
            Ok(status) => Ok((nodes, status)),
            Err(Error {
                kind: ErrorKind::Forbidden { .. },
                ..
            }) => Ok((nodes, ClusterStatus::default())),
            Err(other) => Err(other),
        }
    }

    fn stop(&mut self, stage: Stage, cause: Cause, elapsed: Duration) -> Stopped {
        self.report.fail(stage, cause, elapsed);
        Stopped
    }
}

/// The error of a host that does not list its realms as Proxmox VE does, without credentials: that
/// host is not Proxmox VE.
fn as_foreign(mut error: Error) -> Error {
    let detail = match &error.kind {
        ErrorKind::Unauthenticated { .. } | ErrorKind::Forbidden { .. } => {
            "it demands credentials for the list of realms, which Proxmox VE shows to everyone"
        }
        ErrorKind::Decode { .. } | ErrorKind::TooLarge { .. } => {
            "its response to GET /access/domains is not a list of realms"
        }
        ErrorKind::Api { refusal } if refusal.status == 501 => "it has no list of realms",
        _ => return error,
    };
    error.kind = ErrorKind::NotProxmox {
        detail: detail.to_owned(),
    };
    error
}
