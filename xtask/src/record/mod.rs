//! The task `record`: what a genuine server answers, in the format of the recordings.
//!
//! The task sends the requests of [`cases`](mod@cases) to a host, one after another, and writes each
//! with its response to a file. The requests use one token of their own, which is removed at the end.
//! Secrets are replaced before anything is written. What the server says of other users is not
//! requested.

mod cases;
mod https;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use crate::Problem;
use crate::record::cases::{Case, Setup};
use crate::record::https::{Host, Reply};

/// The variables of the provider that name the host and the credential.
const ENDPOINT: &str = "PROXMOX_VE_ENDPOINT";
const API_TOKEN: &str = "PROXMOX_VE_API_TOKEN";
const CA_CERTIFICATE: &str = "PROXMOX_VE_CA_CERTIFICATE";

/// What stands in the recordings in place of a secret, for the credential and for minted secrets.
const OWN: &str = "573e8a06-e698-427c-acd8-738410c8ee7f";
const MINTED: &str = "00000000-0000-4000-8000-";

/// Runs the task.
pub fn run(mut arguments: lexopt::Parser) -> Result<(), Problem> {
    use lexopt::Arg::Long;
    use lexopt::ValueExt;

    let (mut out, mut owner) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(arguments.value()?)),
            Long("owner") => owner = Some(arguments.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let out = out.ok_or("--out names the folder of the recordings.")?;
    let owner = owner.ok_or("--owner names the user that gets a token, such as demo@pve.")?;
    let host = Host::new(&variable(ENDPOINT)?, &variable(CA_CERTIFICATE)?)?;
    let mut recorder = Recorder::new(host, variable(API_TOKEN)?)?;
    let setup = Setup {
        user: owner.clone(),
        token: format!("tf-record-{}", std::process::id()),
    };
    fs::create_dir_all(&out)?;
    let recorded = recorder.record_all(&setup);
    // Also after a failure. The last case has removed it otherwise.
    recorder.send(&setup.removal())?;
    for (name, text) in recorded? {
        fs::write(out.join(format!("{name}.json")), text)?;
    }
    Ok(())
}

fn variable(name: &str) -> Result<String, Problem> {
    let value = env::var(name).unwrap_or_default();
    match value.is_empty() {
        true => Err(format!("Set {name}.").into()),
        false => Ok(value),
    }
}

/// Sends requests, and keeps the secrets that have to be replaced.
struct Recorder {
    host: Host,
    api_token: String,
    secrets: Vec<(String, String)>,
}

impl Recorder {
    fn new(host: Host, api_token: String) -> Result<Self, Problem> {
        let (_, secret) = api_token
            .rsplit_once('=')
            .ok_or_else(|| format!("{API_TOKEN} is not user@realm!name=secret."))?;
        let secrets = vec![(secret.to_owned(), OWN.to_owned())];
        Ok(Self {
            host,
            api_token,
            secrets,
        })
    }

    fn record_all(&mut self, setup: &Setup) -> Result<Vec<(String, String)>, Problem> {
        let mut recorded = Vec::new();
        for (number, case) in cases::cases(setup).into_iter().enumerate() {
            let name = format!("{:03}-{}", number + 1, case.name);
            let text = self.record(&name, &case)?;
            eprintln!("{name}");
            recorded.push((name, text));
        }
        Ok(recorded)
    }

    /// Sends one request, and describes the exchange without its secrets.
    fn record(&mut self, name: &str, case: &Case) -> Result<String, Problem> {
        let begun = Instant::now();
        let reply = self.send(case)?;
        let elapsed = u64::try_from(begun.elapsed().as_millis())?;
        self.note_minted(&reply);
        let headers: Vec<Value> = reply.headers.iter().map(|header| json!(header)).collect();
        let recording = json!({
            "case": name,
            "description": case.description,
            "exchanges": [{
                "request": {
                    "line": case.line(),
                    "headers": self.headers(case),
                    "body": case.body,
                },
                "response": {
                    "status_line": reply.status_line,
                    "headers": headers,
                    "body": reply.body,
                    "elapsed_ms": elapsed,
                },
            }],
        });
        Ok(self.redacted(&format!("{recording:#}\n")))
    }

    fn send(&self, case: &Case) -> Result<Reply, Problem> {
        self.host
            .exchange(&case.line(), &self.headers(case), &case.body)
    }

    fn headers(&self, case: &Case) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let authorization = match case.authorization {
            cases::Authorization::Valid => Some(self.api_token.clone()),
            cases::Authorization::WrongSecret => {
                let id = self.api_token.rsplit_once('=').map(|(id, _)| id);
                id.map(|id| format!("{id}=00000000-0000-4000-8000-00000000dead"))
            }
            cases::Authorization::None => None,
        };
        if let Some(token) = authorization {
            headers.push(("Authorization".to_owned(), format!("PVEAPIToken={token}")));
        }
        if !case.body.is_empty() {
            let form = "application/x-www-form-urlencoded";
            headers.push(("Content-Type".to_owned(), form.to_owned()));
        }
        headers
    }

    /// Notes the secret that a response holds.
    fn note_minted(&mut self, reply: &Reply) {
        let body: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        if let Some(secret) = body["data"]["value"].as_str() {
            let stand_in = format!("{MINTED}{:012}", self.secrets.len());
            self.secrets.push((secret.to_owned(), stand_in));
        }
    }

    fn redacted(&self, text: &str) -> String {
        let secrets = self.secrets.iter();
        secrets.fold(text.to_owned(), |text, (secret, stand_in)| {
            text.replace(secret, stand_in)
        })
    }
}
