//! Users, tokens, groups, roles and nodes, as far as a case shows what there was.

use std::collections::BTreeSet;

use proxmox_simulator::Cluster;
use serde_json::Value;

use super::identity::{identity, token_of};
use super::preconditions::{Preconditions, ROOT_TOKEN, texts};
use super::recording::{Body, CUT, Exchange};

impl Preconditions<'_> {
    pub(super) fn token(&mut self, method: &str, exchange: &Exchange, userid: &str, name: &str) {
        let error = exchange.error();
        let id = format!("{userid}!{name}");
        if exchange.status() == 403 && token_of(exchange).is_some_and(|(id, _)| id == ROOT_TOKEN) {
            return self.user_missing(userid);
        }
        if error.contains("no such user") {
            return self.user_missing(userid);
        }
        let missing = error.contains("no such token") || error.contains("generating token failed");
        let exists = error.contains("already exists")
            || error.contains("updating token info failed")
            || error.contains("deleting token failed");
        if !(missing || exists || exchange.succeeded()) {
            return;
        }
        self.user_exists(userid);
        if missing || (method == "POST" && exchange.succeeded()) {
            if self.decide("token", &id) {
                self.decide("fields", &id);
                self.state.remove_token(userid, name);
            }
            return;
        }
        if self.decide("token", &id) && self.state.token(userid, name).is_none() {
            self.state.add_token(&id, true, None, 0);
        }
        if exchange.succeeded() && self.decide("fields", &id) && method != "DELETE" {
            self.token_fields(userid, name, exchange.data());
        }
    }

    /// Numbers are as they were; strings echo what was sent.
    pub(super) fn token_fields(&mut self, userid: &str, name: &str, shown: &Value) {
        let Some(token) = self.state.token_mut(userid, name) else {
            return;
        };
        if let Some(privsep) = shown["privsep"].as_u64() {
            token.privilege_separation = privsep == 1;
        }
        if let Some(expire) = shown["expire"].as_u64() {
            token.expire = expire;
        }
        token.comment = shown["comment"].as_str().map(str::to_owned);
    }

    /// A list of tokens shows all there were, apart from those the case itself dealt with.
    pub(super) fn tokens(&mut self, exchange: &Exchange, userid: &str) {
        if !exchange.succeeded() {
            if exchange.error().contains("no such user")
                || token_of(exchange).is_some_and(|(id, _)| id == ROOT_TOKEN)
            {
                self.user_missing(userid);
            }
            return;
        }
        self.user_exists(userid);
        let listed = exchange.data().as_array().cloned().unwrap_or_default();
        self.token_list(userid, &listed);
        if matches!(exchange.response, Body::Beginning(_)) {
            return;
        }
        let names: BTreeSet<&str> = listed
            .iter()
            .filter_map(|t| t["tokenid"].as_str())
            .collect();
        let known: Vec<String> = self
            .state
            .user(userid)
            .map(|user| user.tokens.keys().cloned().collect())
            .unwrap_or_default();
        for name in known.iter().filter(|name| !names.contains(name.as_str())) {
            if self.decide("token", &format!("{userid}!{name}")) {
                self.state.remove_token(userid, name);
            }
        }
    }

    pub(super) fn token_list(&mut self, userid: &str, listed: &[Value]) {
        for shown in listed {
            let Some(name) = shown["tokenid"].as_str() else {
                continue;
            };
            let name = name.trim_end_matches(CUT);
            let id = format!("{userid}!{name}");
            if self.decide("token", &id) && self.state.token(userid, name).is_none() {
                self.state.add_token(&id, true, None, 0);
            }
            if self.decide("fields", &id) {
                self.token_fields(userid, name, shown);
            }
        }
    }

    pub(super) fn user(&mut self, exchange: &Exchange, userid: &str) {
        if exchange.error().contains("no such user") {
            return self.user_missing(userid);
        }
        if !exchange.succeeded() {
            return;
        }
        self.user_exists(userid);
        if exchange.method() == "GET" && self.decide("user fields", userid) {
            self.user_fields(userid, exchange.data());
            for group in texts(&exchange.data()["groups"]) {
                self.state.add_group(group, &[userid]);
            }
            let tokens = exchange.data()["tokens"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let tokens = tokens.into_iter().map(|(name, mut shown)| {
                shown["tokenid"] = Value::from(name);
                shown
            });
            self.token_list(userid, &tokens.collect::<Vec<_>>());
        }
        self.decide("user fields", userid);
    }

    pub(super) fn user_fields(&mut self, userid: &str, shown: &Value) {
        let user = self.state.user_mut(userid);
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        user.enabled = shown["enable"] != 0;
        user.expire = shown["expire"].as_u64().unwrap_or(0);
        (user.firstname, user.lastname) = (text("firstname"), text("lastname"));
        (user.email, user.comment, user.keys) = (text("email"), text("comment"), text("keys"));
    }

    /// The user that a list shows after another; one without rights sees only itself.
    pub(super) fn next_user(&self, exchange: &Exchange, before: &str) -> Option<String> {
        let myself = identity(exchange).filter(|id| !id.contains('!') && id != "root@pam");
        myself.or_else(|| {
            self.state
                .user_ids()
                .find(|&id| id > before)
                .map(str::to_owned)
        })
    }

    /// A list with more than oneself shows all users there were.
    pub(super) fn users(&mut self, exchange: &Exchange) {
        let listed = exchange.data().as_array().cloned().unwrap_or_default();
        let mut before = String::new();
        for shown in &listed {
            // The list is in order, so even an entry cut off before its id is known.
            let userid = shown["userid"].as_str().map(str::to_owned);
            let Some(userid) = userid.or_else(|| self.next_user(exchange, &before)) else {
                continue;
            };
            before.clone_from(&userid);
            let userid = userid.as_str();
            self.user_exists(userid);
            if self.decide("user fields", userid) {
                self.user_fields(userid, shown);
                let groups = shown["groups"].as_str().unwrap_or_default();
                for group in groups.split(',').filter(|group| !group.is_empty()) {
                    self.state.add_group(group, &[userid]);
                }
            }
            self.token_list(
                userid,
                shown["tokens"].as_array().map_or(&[], Vec::as_slice),
            );
        }
        let complete = matches!(exchange.response, Body::Json(_));
        if complete && listed.len() > 1 {
            let users: Vec<String> = self.state.user_ids().map(str::to_owned).collect();
            for userid in users {
                match listed
                    .iter()
                    .find(|shown| shown["userid"] == userid.as_str())
                {
                    None => self.user_missing(&userid),
                    Some(shown) if shown["groups"] == "" => self.state.leave_groups(&userid),
                    Some(_) => {}
                }
            }
        }
    }

    pub(super) fn groups(&mut self, exchange: &Exchange) {
        for shown in exchange.data().as_array().into_iter().flatten() {
            let Some(name) = shown["groupid"].as_str() else {
                continue;
            };
            if self.decide("group", name) {
                let users = shown["users"].as_str().unwrap_or_default();
                let users: Vec<&str> = users.split(',').filter(|user| !user.is_empty()).collect();
                self.state.add_group(name, &users);
                let comment = shown["comment"].as_str().map(str::to_owned);
                self.state.group_mut(name).comment = comment;
            }
        }
    }

    pub(super) fn group(&mut self, exchange: &Exchange, name: &str) {
        if !self.decide("group", name) {
            return;
        }
        let members: Vec<&str> = texts(&exchange.data()["members"]).collect();
        self.state.add_group(name, &members);
        if let Some(comment) = exchange.data()["comment"].as_str() {
            self.state.group_mut(name).comment = Some(comment.to_owned());
        }
    }

    /// A role that is not built in.
    pub(super) fn role<'b>(&mut self, name: &str, privileges: impl Iterator<Item = &'b str>) {
        if self.decide("role", name) && self.state.role(name).is_none() {
            let privileges: Vec<&str> = privileges.filter(|p| !p.is_empty()).collect();
            self.state.add_role(name, &privileges);
        }
    }

    /// The nodes as they were all along; the numbers of the cluster's list are their order.
    pub(super) fn nodes(&mut self, exchange: &Exchange, key: &str) {
        let mut listed = exchange.data().as_array().cloned().unwrap_or_default();
        listed.sort_by_key(|shown| shown["nodeid"].as_u64());
        if let Some(cluster) = listed.iter().find(|shown| shown["type"] == "cluster") {
            let quorate = cluster["quorate"] == 1;
            let name = cluster["name"].as_str().unwrap_or_default().to_owned();
            self.state.cluster = Some(Cluster { name, quorate });
            let mut exchanges = self.case.exchanges.iter();
            let writes =
                exchanges.any(|exchange| exchange.method() != "GET" && exchange.succeeded());
            self.state.votes_lowered = !quorate && writes;
        }
        let before = self.state.nodes.clone();
        let Some(template) = self.state.nodes.first().cloned() else {
            return;
        };
        let nodes: Vec<_> = listed
            .iter()
            .filter(|shown| shown["type"] == "node")
            .filter_map(|shown| {
                let mut node = template.clone();
                node.name = shown[key].as_str()?.to_owned();
                let known = before.iter().find(|known| known.name == node.name);
                node.local = known.map_or(node.name == template.name, |known| known.local);
                if !shown["local"].is_null() {
                    node.local = shown["local"] == 1;
                }
                node.reports =
                    known.is_none_or(|known| known.reports) && shown["status"] != "unknown";
                node.online = shown["online"] != 0 && shown["status"] != "offline";
                if let Some(address) = shown["ip"].as_str() {
                    node.address = address.to_owned();
                }
                Some(node)
            })
            .collect();
        if !nodes.is_empty() {
            self.state.nodes = nodes;
        }
    }
}
