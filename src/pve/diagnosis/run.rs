//! The check itself.

use std::time::{Duration, Instant};

use crate::pve::api::access::Realm;
use crate::pve::api::nodes::{ClusterStatus, Node};
use crate::pve::auth::credentials::Credentials;
use crate::pve::cluster::Cluster;
use crate::pve::context::Context;
use crate::pve::diagnosis::privileges::{BARRED, Lookup};
use crate::pve::diagnosis::report::{Report, Requirements, Stage, Status};
use crate::pve::diagnosis::verdict::Verdict;
use crate::pve::diagnosis::{cluster, product, refusal};
use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::request::Request;

/// Older versions answer the access API too differently.
const OLDEST_MAJOR: u32 = 7;

/// Checks a connection stage by stage, and says what to change where it is not good enough.
///
/// A healthy host is asked for its realms without credentials, its version, one path's
/// privileges after the other, its nodes and its cluster: one connection, and no request is made
/// twice. Facts that the credentials may not read stay unknown, which is no failure.
///
/// Where the check fails more may be asked to find out why. A `witness` is another credential for
/// the same server: it may look up why these are refused, and what a token's owner may do.
pub async fn check(
    client: &Cluster,
    witness: Option<&Cluster>,
    requirements: &Requirements,
    context: &Context,
) -> Report {
    let credentials = &client.settings().credentials;
    let mut report = Report::begin(credentials.method(), credentials.identity());
    report.pass(Stage::Endpoint, Duration::ZERO);
    let mut run = Run {
        client,
        witness,
        context,
        report,
    };
    match run.stages(requirements).await {
        Ok(()) => run.conclude(),
        Err(Stopped) => run.report,
    }
}

/// The report is complete: a stage failed after which nothing more can be asked.
struct Stopped;

struct Run<'a> {
    client: &'a Cluster,
    witness: Option<&'a Cluster>,
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
            Err(error) => Err(self.not_reached(&error, begun.elapsed())),
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
                    detail: format!("{product} answers"),
                },
            )),
        }
    }

    /// Adds what the host calls itself to the error of one that is not Proxmox VE.
    async fn named(&self, mut error: Error) -> Error {
        if let ErrorKind::NotProxmox { detail } = &mut error.kind
            && let Some(title) = product::title(self.client, self.context).await
        {
            detail.push_str(&format!("; its page for browsers is called {title:?}"));
        }
        error
    }

    /// Which stages were passed on the way is told from where the first request failed.
    fn not_reached(&mut self, error: &Error, elapsed: Duration) -> Stopped {
        let verdict = Verdict::from(error);
        let stage = verdict.stage.min(Stage::Proxmox);
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
        self.stop(stage, verdict, elapsed)
    }

    async fn authentication(&mut self, realms: &[Realm]) -> Result<(), Stopped> {
        let begun = Instant::now();
        let version = match self.client.version(self.context).await {
            Ok(version) => version,
            Err(error) => {
                let verdict = self.refused(&error, realms).await;
                let stage = match verdict.stage {
                    Stage::SecondFactor => {
                        self.report.pass(Stage::Authentication, Duration::ZERO);
                        Stage::SecondFactor
                    }
                    _ => Stage::Authentication,
                };
                return Err(self.stop(stage, verdict, begun.elapsed()));
            }
        };
        let too_old = version.major().is_some_and(|major| major < OLDEST_MAJOR);
        let text = version.version.clone();
        self.report.version = Some(version);
        if too_old {
            let verdict = Verdict {
                status: Status::UnsupportedVersion,
                stage: Stage::Authentication,
                message: format!("{} runs Proxmox VE {text}.", self.client.endpoint()),
                remedy: format!(
                    "Upgrade the host: version {OLDEST_MAJOR} is the oldest that is supported, or set endpoint to another one."
                ),
            };
            return Err(self.stop(Stage::Authentication, verdict, begun.elapsed()));
        }
        self.report.pass(Stage::Authentication, begun.elapsed());
        self.report.pass(Stage::SecondFactor, Duration::ZERO);
        Ok(())
    }

    /// Another node may not know yet what this one does, or no longer.
    fn witness(&self) -> Option<&Cluster> {
        let same_node = |witness: &&Cluster| witness.endpoint() == self.client.endpoint();
        self.witness.filter(same_node)
    }

    /// What to say of an error at the first request that takes credentials.
    async fn refused(&self, error: &Error, realms: &[Realm]) -> Verdict {
        let mut verdict = Verdict::from(error);
        let ErrorKind::Unauthenticated { failure, .. } = &error.kind else {
            return verdict;
        };
        self.blame_the_realm(realms, &mut verdict);
        let Some(witness) = self.witness() else {
            return verdict;
        };
        let credentials = &self.client.settings().credentials;
        let reason = refusal::look_up(credentials, *failure, witness, self.context).await;
        if let (Some(reason), Some(who)) = (reason, witness.settings().credentials.identity()) {
            verdict
                .message
                .push_str(&format!(" {who} can see why: {reason}."));
            verdict.remedy = reason.remedy();
        }
        verdict
    }

    /// The server refuses a login in a realm that it does not have like any other
    /// (recording `229-ticket-unknown-realm`); the list of realms tells.
    fn blame_the_realm(&self, realms: &[Realm], verdict: &mut Verdict) {
        let Some(user) = self.client.settings().credentials.user() else {
            return;
        };
        if realms.is_empty() || realms.iter().any(|realm| realm.realm == user.realm()) {
            return;
        }
        let known: Vec<&str> = realms.iter().map(|realm| realm.realm.as_str()).collect();
        verdict.message.push_str(&format!(
            " The host has no realm {}, only {}.",
            user.realm(),
            known.join(", ")
        ));
    }

    async fn privileges(&mut self, requirements: &Requirements) -> Result<(), Stopped> {
        let begun = Instant::now();
        if requirements.privileges.is_empty() {
            // A login may do nothing only if it is meant to; a token easily by mistake.
            if self.is_token()
                && let Ok(none) = self.client.has_no_permissions(self.context).await
            {
                self.report.barred = none;
                self.report.pass(Stage::Privileges, begun.elapsed());
            }
            return Ok(());
        }
        for (path, required) in &requirements.privileges {
            let granted = match self.client.permissions(path, self.context).await {
                Ok(granted) => granted,
                Err(error) => {
                    return Err(self.stop(
                        Stage::Privileges,
                        Verdict::from(&error),
                        begun.elapsed(),
                    ));
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
        self.report.barred = self.may_do_nothing().await;
        let lookup = Lookup {
            client: self.client,
            witness: self.witness(),
            context: self.context,
            requirements,
        };
        let missing = &self.report.missing_privileges;
        let verdict = lookup.verdict(missing, self.report.barred).await;
        self.blame(Stage::Privileges, verdict, begun.elapsed());
        Ok(())
    }

    /// `158-use-permissions-privsep1-noacl`
    async fn may_do_nothing(&self) -> bool {
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
        let problem = match self.cluster_facts(begun).await {
            Ok((nodes, status)) => {
                self.report.nodes = cluster::members(&nodes, &status);
                self.report.quorate = status.quorate;
                self.report.cluster_name.clone_from(&status.name);
                cluster::judge(&nodes, &status)
            }
            Err(error) => Some(Verdict::from(&error)),
        };
        match problem {
            None => self.report.pass(Stage::Cluster, begun.elapsed()),
            Some(verdict) => self.blame(Stage::Cluster, verdict, begun.elapsed()),
        }
    }

    /// The nodes first: everybody may list them, whereas a refusal closes the connection.
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

    /// Notes what is wrong, unless something was before.
    fn blame(&mut self, stage: Stage, verdict: Verdict, elapsed: Duration) {
        self.report.fail(stage, elapsed);
        if self.report.status.is_ok() {
            self.report.status = verdict.status;
            self.report.message = verdict.message;
            self.report.remedy = Some(verdict.remedy);
        }
    }

    fn stop(&mut self, stage: Stage, verdict: Verdict, elapsed: Duration) -> Stopped {
        self.blame(stage, verdict, elapsed);
        Stopped
    }

    fn conclude(mut self) -> Report {
        if self.report.status.is_ok() {
            self.report.message = self.all_is_well();
        }
        if self.report.barred && self.report.status != Status::MissingPrivileges {
            self.report.message.push_str(BARRED);
        }
        self.report
    }

    fn all_is_well(&self) -> String {
        let endpoint = self.client.endpoint();
        match (&self.report.version, &self.report.identity) {
            (Some(version), Some(identity)) => {
                format!(
                    "{endpoint} runs Proxmox VE {} and accepts {identity}.",
                    version.version
                )
            }
            _ => format!(
                "{endpoint} is a Proxmox VE host; without credentials, nothing more was checked."
            ),
        }
    }
}

/// Proxmox VE lists its realms to everybody and in one form: who wants credentials first, does not
/// know of realms, or lists something else, is not Proxmox VE.
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
