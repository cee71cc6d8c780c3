//! `toy_note`: a resource with every optional capability.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use terraform_provider_proxmox::framework::schema::{computed, nested, optional, required, schema};
use terraform_provider_proxmox::framework::{
    Deferral, Deferred, Identity, List, ListRequest, Listed, Move, MoveRequest, MovedState,
    Problem, Results, Upgrade, keep,
};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics, Resource};

use super::Store;

pub struct NoteResource(pub Store);

/// The attributes that are never stored.
pub const WRITE_ONLY: &[&str] = &["author.password_wo"];

#[derive(Clone, Serialize, Deserialize)]
pub struct Note {
    name: Value<String>,
    text: Value<String>,
    author: Value<Author>,
    length: Value<i64>,
    signed: Value<bool>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Author {
    password_wo: Value<String>,
}

/// How often the note was written.
type Revision = Option<i64>;

impl NoteResource {
    fn named(&self, name: &str) -> Option<Note> {
        let content = self.0.read(name)?;
        Some(Note {
            name: Value::Value(name.to_owned()),
            length: length(&content.text),
            text: Value::Value(content.text),
            author: Value::Null,
            signed: Value::Value(content.signed),
        })
    }

    fn write(&self, note: Note, config: &Note, revision: Revision) -> Option<(Note, Revision)> {
        let (name, text) = (note.name.as_ref_option()?, note.text.as_ref_option()?);
        let signed = is_signed(config) == Value::Value(true);
        self.0.write(name, text, signed);
        let is_fatal = text == FATAL;
        let written = Note {
            length: length(text),
            signed: Value::Value(signed),
            // The adapter removes the password.
            author: config.author.clone(),
            ..note
        };
        // What exists survives whatever comes after.
        keep(&written);
        assert!(!is_fatal, "a bug after the write");
        Some((written, Some(revision.unwrap_or_default() + 1)))
    }
}

/// The text that lets the provider panic after it has written the note.
pub const FATAL: &str = "fatal";

fn length(text: &str) -> Value<i64> {
    Value::Value(i64::try_from(text.len()).unwrap())
}

fn is_signed(config: &Note) -> Value<bool> {
    match config.author.as_ref() {
        Value::Value(author) if author.password_wo.is_unknown() => Value::Unknown,
        Value::Value(author) => Value::Value(author.password_wo.is_value()),
        _ => Value::Value(false),
    }
}

fn planned(proposed: Note, config: &Note) -> Note {
    let text = proposed.text.as_ref();
    Note {
        length: match text {
            Value::Value(text) => length(text),
            _ => Value::Unknown,
        },
        signed: is_signed(config),
        ..proposed
    }
}

#[async_trait]
impl Resource for NoteResource {
    type State<'a> = Note;
    type PrivateState<'a> = Revision;
    type ProviderMetaState<'a> = ();

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        let author = nested([("password_wo", optional(AttributeType::String, "Password."))]);
        let schema = schema(
            "A note.",
            [
                ("name", required(AttributeType::String, "Name.")),
                ("text", required(AttributeType::String, "Text.")),
                ("author", optional(author, "Author.")),
                ("length", computed(AttributeType::Number, "Length.")),
                ("signed", computed(AttributeType::Bool, "Has a password.")),
            ],
        );
        Some(Schema {
            version: 1,
            ..schema
        })
    }

    async fn read<'a>(
        &self,
        _: &mut Diagnostics,
        note: Note,
        revision: Revision,
        (): (),
    ) -> Option<(Note, Revision)> {
        let read = self.named(note.name.as_ref_option()?)?;
        let author = note.author;
        Some((Note { author, ..read }, revision))
    }

    async fn plan_create<'a>(
        &self,
        _: &mut Diagnostics,
        proposed: Note,
        config: Note,
        (): (),
    ) -> Option<(Note, Revision)> {
        Some((planned(proposed, &config), None))
    }

    async fn plan_update<'a>(
        &self,
        _: &mut Diagnostics,
        _prior: Note,
        proposed: Note,
        config: Note,
        revision: Revision,
        (): (),
    ) -> Option<(Note, Revision, Vec<AttributePath>)> {
        let replace = vec![AttributePath::new("name")];
        Some((planned(proposed, &config), revision, replace))
    }

    async fn plan_destroy<'a>(
        &self,
        _: &mut Diagnostics,
        _prior: Note,
        revision: Revision,
        (): (),
    ) -> Option<Revision> {
        Some(revision)
    }

    async fn create<'a>(
        &self,
        _: &mut Diagnostics,
        planned: Note,
        config: Note,
        revision: Revision,
        (): (),
    ) -> Option<(Note, Revision)> {
        self.write(planned, &config, revision)
    }

    async fn update<'a>(
        &self,
        _: &mut Diagnostics,
        _prior: Note,
        planned: Note,
        config: Note,
        revision: Revision,
        (): (),
    ) -> Option<(Note, Revision)> {
        self.write(planned, &config, revision)
    }

    async fn destroy<'a>(
        &self,
        _: &mut Diagnostics,
        prior: Note,
        _: Revision,
        (): (),
    ) -> Option<()> {
        self.0.remove(prior.name.as_ref_option()?);
        Some(())
    }

    async fn import<'a>(&self, _: &mut Diagnostics, id: String) -> Option<(Note, Revision)> {
        Some((self.named(&id)?, None))
    }
}

impl Upgrade for NoteResource {
    /// Version 0 had `content` in place of `text`.
    fn upgrade_state(&self, _: i64, mut state: Json) -> Result<Json, Problem> {
        match state["content"].take() {
            Json::String(text) => state["text"] = text.into(),
            _ => {
                let detail = "The state has no `content`.";
                return Err(Problem::new("Broken state", detail, AttributePath::root()));
            }
        }
        Ok(state)
    }
}

#[derive(Serialize, Deserialize)]
pub struct NoteIdentity {
    name: String,
}

impl Identity for NoteResource {
    type Identity = NoteIdentity;

    fn identity_schema(&self) -> Schema {
        let name = required(AttributeType::String, "Name of the note.");
        let schema = schema("", [("name", name)]);
        Schema {
            version: 1,
            ..schema
        }
    }

    fn identity(&self, note: &Note) -> Option<NoteIdentity> {
        let name = note.name.as_ref_option()?.clone();
        Some(NoteIdentity { name })
    }

    fn import_id(&self, identity: NoteIdentity) -> Result<String, Problem> {
        match identity.name.as_str() {
            "" => Err(Problem::new(
                "Invalid identity",
                "`name` is empty.",
                AttributePath::new("name"),
            )),
            _ => Ok(identity.name),
        }
    }

    /// Version 0 had `title` in place of `name`.
    fn upgrade_identity(&self, _: i64, mut identity: Json) -> Result<Json, Problem> {
        identity["name"] = identity["title"].take();
        Ok(identity)
    }
}

#[derive(Serialize, Deserialize)]
pub struct Filter {
    prefix: Value<String>,
}

#[async_trait]
impl List for NoteResource {
    type Filter = Filter;

    fn list_schema(&self) -> Schema {
        let prefix = optional(AttributeType::String, "Prefix of the names.");
        schema("Notes.", [("prefix", prefix)])
    }

    fn validate_list(&self, filter: Filter) -> Result<(), Problem> {
        match filter.prefix.as_ref_option().map(String::as_str) {
            Some("") => Err(Problem::new(
                "Invalid prefix",
                "`prefix` is empty.",
                AttributePath::new("prefix"),
            )),
            _ => Ok(()),
        }
    }

    async fn list(
        &self,
        request: ListRequest<Filter>,
        results: &mut Results<'_, Self>,
    ) -> Result<(), Problem> {
        let prefix = request.filter.prefix.as_ref_option();
        for name in self.0.names() {
            if !prefix.is_none_or(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let Some(note) = self.named(&name) else {
                let detail = format!("`{name}` is not a note.");
                let problem = Problem::new("Unreadable note", detail, AttributePath::root());
                return Err(problem);
            };
            let listed = Listed {
                display_name: format!("Note {name}"),
                identity: NoteIdentity { name },
                state: request.include_state.then_some(note),
            };
            if !results.push(listed).await {
                break;
            }
        }
        Ok(())
    }
}

impl Move for NoteResource {
    fn move_state(
        &self,
        source: MoveRequest,
        _diags: &mut Diagnostics,
    ) -> Result<MovedState<Self>, Problem> {
        if source.type_name != "toy_memo" {
            return Ok(None);
        }
        let text = |name: &str| match source.state[name].as_str() {
            Some(text) => Ok(text.to_owned()),
            None => {
                let detail = format!("The memo has no `{name}`.");
                Err(Problem::new("Broken memo", detail, AttributePath::root()))
            }
        };
        let (name, text) = (text("title")?, text("body")?);
        let note = Note {
            name: Value::Value(name),
            length: length(&text),
            text: Value::Value(text),
            author: Value::Null,
            signed: Value::Value(false),
        };
        Ok(Some((note, None)))
    }
}

impl Deferral<Note> for NoteResource {
    fn deferred(&self, note: &Note) -> Option<Deferred> {
        note.text.is_unknown().then_some(Deferred::ConfigUnknown)
    }

    fn import_deferred(&self) -> Option<Deferred> {
        let closed = !self.0.is_open();
        closed.then_some(Deferred::ProviderConfigUnknown)
    }
}
