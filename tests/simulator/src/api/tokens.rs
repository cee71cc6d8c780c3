//! `/access/users/{userid}/token`: the life of API tokens.

use serde_json::{Map, Value, json};

use crate::call::{Allowed, Call, Check, Groups, Interrupt, Lock, Method};
use crate::config::{Token, UserConfig, stored_expire};
use crate::grammar::split_list;
use crate::params::Params;
use crate::random;
use crate::result::Failure;
use crate::schema::{Grammar, Property};
use crate::version::Version;

const OWNER: Allowed = Allowed::Check(Check::Or(&[
    Check::Myself,
    Check::UserGroup(&["User.Modify"], Groups::Ignored),
]));
const TOKENID: Property = Property::text("tokenid", Grammar::TokenName);
const EXPIRE: Property = Property::integer("expire").minimum(0).optional();
const PRIVSEP: Property = Property::boolean("privsep").optional();
const COMMENT: Property = Property::string("comment").optional();
const PATH: &str = "/access/users/{userid}/token/{tokenid}";

pub(super) const METHODS: &[Method] = &[
    Method::get("/access/users/{userid}/token", list)
        .allowed(OWNER)
        .properties(&[Property::userid()]),
    Method::get(PATH, read)
        .allowed(OWNER)
        .properties(&[Property::userid(), TOKENID]),
    Method::write("POST", PATH, create)
        .allowed(OWNER)
        .properties(&[Property::userid(), TOKENID, EXPIRE, PRIVSEP, COMMENT]),
    Method::write("PUT", PATH, update)
        .allowed(OWNER)
        .properties(&[
            Property::userid(),
            TOKENID,
            EXPIRE,
            PRIVSEP,
            COMMENT,
            Property::boolean("regenerate")
                .optional()
                .since(Version::token_regenerate),
            Property::text("delete", Grammar::ConfigIds)
                .optional()
                .since(Version::token_comment_clears),
        ]),
    Method::write("DELETE", PATH, remove)
        .allowed(OWNER)
        .properties(&[Property::userid(), TOKENID]),
];

/// A token as reads show it: numbers, never booleans.
pub(super) fn shown(token: &Token) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert(
        "privsep".into(),
        json!(u8::from(token.privilege_separation)),
    );
    shown.insert("expire".into(), json!(token.expire));
    if let Some(comment) = &token.comment {
        shown.insert("comment".into(), json!(comment));
    }
    shown
}

fn list(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let user = call.state.config.user(call.required("userid"))?;
    let tokens = user.tokens.iter().map(|(name, token)| {
        let mut entry = shown(token);
        entry.insert("tokenid".into(), json!(name));
        Value::Object(entry)
    });
    Ok(tokens.collect())
}

fn read(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let token = call
        .state
        .config
        .token(call.required("userid"), call.required("tokenid"))?;
    Ok(Value::Object(shown(token)))
}

/// The look before the lock is taken; under it the change looks again, and says what it was for.
fn check_exists(call: &Call<'_>, userid: &str, name: &str) -> Result<(), Failure> {
    if !call.locked {
        call.state.config.token(userid, name)?;
    }
    Ok(())
}

/// Sets what was sent, and shows it as the strings it was sent as.
fn apply(params: &Params, token: &mut Token, shown: &mut Map<String, Value>) -> Stored {
    let sent = |name: &str| params.get(name).and_then(|value| value.text());
    if let Some(privsep) = sent("privsep") {
        token.privilege_separation = privsep == "1";
        shown.insert("privsep".into(), json!(privsep));
    }
    let mut stored = Stored::Kept;
    if let Some(expire) = sent("expire") {
        shown.insert("expire".into(), json!(expire));
        match stored_expire(expire) {
            Some(expire) => token.expire = expire,
            None => stored = Stored::Lost,
        }
    }
    stored
}

/// Whether a token survives being written to the configuration and read back.
#[derive(PartialEq)]
enum Stored {
    Kept,
    /// Its expiry is too large a number, and its line is ignored from now on.
    Lost,
}

fn store(
    config: &mut UserConfig,
    userid: &str,
    name: &str,
    token: Token,
    stored: Stored,
) -> Result<(), Failure> {
    let tokens = &mut config.user_mut(userid)?.tokens;
    match stored {
        Stored::Kept => tokens.insert(name.to_owned(), token),
        Stored::Lost => tokens.remove(name),
    };
    Ok(())
}

fn create(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let (userid, name) = (
        call.required("userid").to_owned(),
        call.required("tokenid").to_owned(),
    );
    if call.state.config.user(&userid)?.tokens.contains_key(&name) && !call.locked {
        return Err(Failure::parameter("tokenid", "Token already exists.").into());
    }
    let lock = Lock {
        purpose: "generating token failed",
        tokens: true,
    };
    let params = call.params;
    call.change(lock, |config, secrets| {
        if config.user(&userid)?.tokens.contains_key(&name) {
            return Err(Failure::die("Token already exists.\n"));
        }
        let (id, secret) = (format!("{userid}!{name}"), random::uuid());
        secrets.insert(id.clone(), secret.clone());
        let mut token = Token::default();
        let mut info = Map::from_iter([("privsep".to_owned(), json!(1))]);
        let stored = apply(params, &mut token, &mut info);
        let comment = params.get("comment").and_then(|value| value.text());
        if let Some(comment) = comment.filter(|comment| !comment.is_empty() && *comment != "0") {
            token.comment = Some(comment.to_owned());
            info.insert("comment".into(), json!(comment));
        }
        store(config, &userid, &name, token, stored)?;
        Ok(json!({ "info": info, "value": secret, "full-tokenid": id }))
    })
}

fn update(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let (userid, name) = (
        call.required("userid").to_owned(),
        call.required("tokenid").to_owned(),
    );
    check_exists(call, &userid, &name)?;
    let regenerate = call.flag("regenerate");
    let lock = Lock {
        purpose: "updating token info failed",
        tokens: regenerate,
    };
    let (params, version) = (call.params, call.state.version);
    call.change(lock, |config, secrets| {
        let mut token = config.token(&userid, &name)?.clone();
        let mut response = shown(&token);
        let stored = apply(params, &mut token, &mut response);
        set_comment(params, version, &mut token);
        delete_comment(params, &mut token)?;
        match &token.comment {
            Some(comment) => response.insert("comment".into(), json!(comment)),
            None => response.remove("comment"),
        };
        if regenerate {
            let (id, secret) = (format!("{userid}!{name}"), random::uuid());
            secrets.insert(id.clone(), secret.clone());
            response.insert("value".into(), json!(secret));
            response.insert("full-tokenid".into(), json!(id));
        }
        store(config, &userid, &name, token, stored)?;
        Ok(Value::Object(response))
    })
}

/// An empty comment clears it since 9.0; before that it was ignored
/// (005-update-comment-empty of both older folders).
fn set_comment(params: &Params, version: Version, token: &mut Token) {
    let Some(comment) = params.get("comment").and_then(|value| value.text()) else {
        return;
    };
    if !comment.is_empty() || version.token_comment_clears() {
        token.comment = Some(comment.to_owned()).filter(|comment| !comment.is_empty());
    }
}

fn delete_comment(params: &Params, token: &mut Token) -> Result<(), Failure> {
    let Some(delete) = params.get("delete").and_then(|value| value.text()) else {
        return Ok(());
    };
    if delete.is_empty() {
        // 128-token-update-delete-empty
        return Err(Failure::die(
            "Can't use string (\"\") as a HASH ref while \"strict refs\" in use \
             at /usr/share/perl5/PVE/API2/User.pm line 911.\n",
        ));
    }
    for property in split_list(delete) {
        if property != "comment" {
            return Err(Failure::parameter(
                "delete",
                format!("unknown option '{property}'"),
            ));
        }
        token.comment = None;
    }
    Ok(())
}

fn remove(call: &mut Call<'_>) -> Result<Value, Interrupt> {
    let (userid, name) = (
        call.required("userid").to_owned(),
        call.required("tokenid").to_owned(),
    );
    check_exists(call, &userid, &name)?;
    let lock = Lock {
        purpose: "deleting token failed",
        tokens: true,
    };
    call.change(lock, |config, secrets| {
        config.token(&userid, &name)?;
        secrets.remove(&format!("{userid}!{name}"));
        config.user_mut(&userid)?.tokens.remove(&name);
        Ok(Value::Null)
    })
}
