//! `/access/ticket`: logging in, in one step or two.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Interrupt, Method};
use crate::grammar;
use crate::result::Failure;
use crate::schema::{Grammar, Property};

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/ticket", |_| Ok(Value::Null)).allowed(Allowed::Preconditions),
    Method::write("POST", "/access/ticket", create)
        .allowed(Allowed::Preconditions)
        .tickets_only()
        .properties(&[
            Property::string("username").most(64),
            Property::text("realm", Grammar::Realm).most(32).optional(),
            Property::string("password"),
            Property::string("otp").optional(),
            Property::string("path")
                .most(64)
                .requires("privs")
                .optional(),
            Property::text("privs", Grammar::Privileges)
                .most(64)
                .requires("path")
                .optional(),
            Property::boolean("new-format").optional(),
            Property::string("tfa-challenge").optional(),
        ]),
];

/// Every way to fail looks alike from outside, lest it tells which users exist.
fn refused() -> Failure {
    Failure::exception(401, "authentication failure\n")
}

fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let mut userid = call.required("username").to_owned();
    if let Some(realm) = call.text("realm").filter(|realm| !realm.is_empty()) {
        userid = format!("{userid}@{realm}");
    }
    let now = call.state.now();
    call.state
        .config
        .check_user_enabled(&userid, now)
        .map_err(|_| refused())?;
    if call.text("path").is_some() && call.text("privs").is_some() {
        return verify(call, &userid).ok_or_else(|| refused().into());
    }
    let login = log_in(call, &userid).ok_or_else(refused)?;
    Ok(response(call, &userid, login))
}

/// What a login has come to.
enum Login {
    Complete,
    /// The second factors that are asked for.
    Challenged(String),
}

fn log_in(call: &mut Call<'_>, userid: &str) -> Option<Login> {
    let now = call.state.now();
    let password = call.required("password").to_owned();
    let otp = call.text("otp").map(str::to_owned);
    if let Some(challenge) = call.text("tfa-challenge").map(str::to_owned) {
        if otp.is_some() {
            return None;
        }
        let data = call.state.tickets.verify(&challenge, Some(userid), now)?;
        data.strip_prefix("!tfa!")?;
        // That a code was used has to be stored, which takes quorum.
        if !call.state.is_quorate() {
            return None;
        }
        let factors = call.state.second_factors.get_mut(userid)?;
        return factors.verify(&password, now).then_some(Login::Complete);
    }
    match call.state.tickets.verify(&password, None, now) {
        // root@pam may turn its ticket into one of anybody.
        Some(owner) if owner == "root@pam" || owner == userid => return Some(Login::Complete),
        _ => check_password(call, userid, &password)?,
    }
    let Some(factors) = call.state.second_factors.get_mut(userid) else {
        return otp.is_none().then_some(Login::Complete);
    };
    match (factors.challenge(), otp) {
        (None, None) => Some(Login::Complete),
        (None, Some(_)) => None,
        (Some(challenge), None) => Some(Login::Challenged(challenge)),
        // A right code in the first step is used up, and still a challenge comes back.
        (Some(challenge), Some(otp)) => factors
            .verify(&otp, now)
            .then_some(Login::Challenged(challenge)),
    }
}

fn check_password(call: &Call<'_>, userid: &str, password: &str) -> Option<()> {
    let (_, realm) = grammar::split_user(userid)?;
    let known = call.state.realms.contains_key(realm)
        && !password.is_empty()
        && call
            .state
            .passwords
            .get(userid)
            .is_some_and(|known| known == password);
    known.then_some(())
}

/// With `path` and `privs` the call checks permissions instead of making a ticket.
fn verify(call: &mut Call<'_>, userid: &str) -> Option<Value> {
    let now = call.state.now();
    let password = call.required("password");
    if call.state.tickets.verify(password, None, now).as_deref() != Some(userid) {
        check_password(call, userid, password)?;
    }
    let path = grammar::normalize_path(call.required("path"))?;
    let privileges = grammar::split_list(call.required("privs"));
    let allowed =
        !privileges.is_empty() && call.state.config.check(userid, &path, &privileges).is_ok();
    allowed.then(|| json!({ "username": userid, "cap": call.state.config.capabilities(userid) }))
}

fn response(call: &Call<'_>, userid: &str, login: Login) -> Value {
    let (state, now) = (&call.state, call.state.now());
    let mut response = Map::new();
    response.insert("username".into(), json!(userid));
    response.insert(
        "CSRFPreventionToken".into(),
        json!(state.tickets.assemble_csrf(userid, now)),
    );
    let ticket = match login {
        Login::Complete => {
            response.insert("cap".into(), json!(state.config.capabilities(userid)));
            state.tickets.assemble(userid, None, now)
        }
        Login::Challenged(challenge) => {
            response.insert("NeedTFA".into(), json!(1));
            state
                .tickets
                .assemble(&format!("!tfa!{challenge}"), Some(userid), now)
        }
    };
    response.insert("ticket".into(), json!(ticket));
    let cluster = state.cluster.as_ref();
    if let Some(cluster) =
        cluster.filter(|_| state.config.check(userid, "/", &["Sys.Audit"]).is_ok())
    {
        response.insert("clustername".into(), json!(cluster.name));
    }
    Value::Object(response)
}
