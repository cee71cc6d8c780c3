//! `toy_memo`: a resource without optional capabilities.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use terraform_provider_proxmox::framework::schema::{required, schema};
use tf_provider::schema::{AttributeType, Schema};
use tf_provider::value::Value;
use tf_provider::{AttributePath, Diagnostics, Resource};

use super::Store;

pub struct MemoResource(pub Store);

#[derive(Serialize, Deserialize)]
pub struct Memo {
    title: Value<String>,
    body: Value<String>,
}

#[async_trait]
impl Resource for MemoResource {
    type State<'a> = Memo;
    type PrivateState<'a> = ();
    type ProviderMetaState<'a> = ();

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(schema(
            "A memo.",
            [
                ("title", required(AttributeType::String, "Title.")),
                ("body", required(AttributeType::String, "Body.")),
            ],
        ))
    }

    async fn read<'a>(
        &self,
        _: &mut Diagnostics,
        memo: Memo,
        (): (),
        (): (),
    ) -> Option<(Memo, ())> {
        Some((memo, ()))
    }

    async fn plan_create<'a>(
        &self,
        _: &mut Diagnostics,
        proposed: Memo,
        _config: Memo,
        (): (),
    ) -> Option<(Memo, ())> {
        Some((proposed, ()))
    }

    async fn plan_update<'a>(
        &self,
        _: &mut Diagnostics,
        _prior: Memo,
        proposed: Memo,
        _config: Memo,
        (): (),
        (): (),
    ) -> Option<(Memo, (), Vec<AttributePath>)> {
        Some((proposed, (), vec![AttributePath::new("title")]))
    }

    async fn plan_destroy<'a>(
        &self,
        _: &mut Diagnostics,
        _prior: Memo,
        (): (),
        (): (),
    ) -> Option<()> {
        Some(())
    }

    async fn create<'a>(
        &self,
        _: &mut Diagnostics,
        planned: Memo,
        _config: Memo,
        (): (),
        (): (),
    ) -> Option<(Memo, ())> {
        let title = planned.title.as_ref_option()?;
        self.0.write(title, planned.body.as_ref_option()?, false);
        Some((planned, ()))
    }

    async fn update<'a>(
        &self,
        diags: &mut Diagnostics,
        _prior: Memo,
        planned: Memo,
        config: Memo,
        (): (),
        (): (),
    ) -> Option<(Memo, ())> {
        self.create(diags, planned, config, (), ()).await
    }

    async fn destroy<'a>(&self, _: &mut Diagnostics, prior: Memo, (): (), (): ()) -> Option<()> {
        self.0.remove(prior.title.as_ref_option()?);
        Some(())
    }
}
