//! The action `toy_stamp`: appends a word to a note.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use terraform_provider_proxmox::framework::schema::{required, schema};
use terraform_provider_proxmox::framework::{Action, Context, Deferred, Problem, Report, Sink};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics};

use super::Store;

pub struct Stamp(pub Store);

#[derive(Serialize, Deserialize)]
pub struct Config {
    name: Value<String>,
    word: Value<String>,
}

#[async_trait]
impl Action for Stamp {
    type Config = Config;

    fn schema(&self) -> Schema {
        schema(
            "Stamps a note.",
            [
                ("name", required(AttributeType::String, "Name.")),
                ("word", required(AttributeType::String, "Word to append.")),
            ],
        )
    }

    fn validate(&self, config: Config) -> Result<(), Problem> {
        refuse(&config, "refused at validation")
    }

    fn deferred(&self, config: &Config) -> Option<Deferred> {
        config.name.is_unknown().then_some(Deferred::ConfigUnknown)
    }

    async fn plan(&self, config: Config, _: &mut Diagnostics) -> Result<(), Problem> {
        refuse(&config, "refused at plan")
    }

    async fn invoke(
        &self,
        config: Config,
        progress: &dyn Sink<String>,
        diags: &mut Diagnostics,
    ) -> Result<(), Problem> {
        let (Some(name), Some(word)) = (config.name.as_ref_option(), config.word.as_ref_option())
        else {
            return Ok(());
        };
        progress.send(format!("Stamping {name}")).await;
        match word.as_str() {
            "panic" => panic!("as configured"),
            "wait" => Context::current().cancel.cancelled().await,
            _ => {}
        }
        let Some(content) = self.0.read(name) else {
            let detail = format!("There is no note `{name}`.");
            return Err(Problem::new(
                "Note not found",
                detail,
                AttributePath::new("name"),
            ));
        };
        let text = format!("{}{word}", content.text);
        self.0.write(name, &text, content.signed);
        progress.send("Stamped".to_owned()).await;
        diags.warn("Note changed", "Its length differs.", AttributePath::root());
        Ok(())
    }
}

fn refuse(config: &Config, word: &str) -> Result<(), Problem> {
    if config.word.as_ref_option().is_some_and(|set| set == word) {
        let path = AttributePath::new("word");
        return Err(Problem::new("Refused word", "It is refused.", path));
    }
    Ok(())
}
