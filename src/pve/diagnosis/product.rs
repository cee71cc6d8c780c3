//! Who answers in the place of Proxmox VE.
//!
//! The other products of Proxmox have nearly the same API, some on the same port, so that an
//! address mixed up shows as refused credentials. They differ in their realms, and in what their
//! page for browsers is called, as does the login page of a proxy.

use std::time::Duration;

use tokio::time::Instant;

use crate::pve::api::access::Realm;
use crate::pve::cached_client::CachedClient;
use crate::pve::context::Context;
use crate::pve::foreign_text::shown;

/// The longest title that is repeated, in characters.
const LONGEST_TITLE: usize = 80;

/// Time limit for the page, which only adds to a message.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// How much of a page is searched for its title, in bytes.
const SEARCHED: usize = 64 * 1024;

/// The product whose own realm is among these, if that is another one. Proxmox VE has realms of
/// the kinds `pam`, `pve`, `ldap`, `ad` and `openid`; early versions of the others leave the kind
/// of theirs out.
pub(crate) fn among(realms: &[Realm]) -> Option<&'static str> {
    let own = |realm: &Realm| match (realm.kind.as_str(), realm.realm.as_str()) {
        ("pbs", _) | ("", "pbs") => Some("Proxmox Backup Server"),
        ("pmg", _) | ("", "pmg") => Some("Proxmox Mail Gateway"),
        ("pdm", _) | ("", "pdm") => Some("Proxmox Datacenter Manager"),
        _ => None,
    };
    realms.iter().find_map(own)
}

/// What the page that the host shows to browsers is called, unless that is of no help.
pub(crate) async fn title(client: &CachedClient, context: &Context) -> Option<String> {
    let limit = Instant::now() + PROBE_TIMEOUT;
    let context = Context {
        deadline: context.deadline.map_or(limit, |end| end.min(limit)).into(),
        ..context.clone()
    };
    let page = client.front_page(&context).await.ok()??;
    let page = String::from_utf8_lossy(page.get(..SEARCHED).unwrap_or(&page)).into_owned();
    title_in(&page).filter(|title| !title.contains("Proxmox Virtual Environment"))
}

fn title_in(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let element = lower.find("<title")?;
    let begin = element + lower.get(element..)?.find('>')? + 1;
    let end = begin + lower.get(begin..)?.find("</title")?;
    let words: Vec<&str> = page.get(begin..end)?.split_whitespace().collect();
    let title = words.join(" ");
    let printable = title.chars().filter(|letter| !letter.is_control());
    let title = shown(&printable.take(LONGEST_TITLE).collect::<String>());
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Realm, among, title_in};

    fn product(realms: serde_json::Value) -> Option<&'static str> {
        let realms: Vec<Realm> = serde_json::from_value(realms).unwrap();
        among(&realms)
    }

    #[test]
    fn each_product_has_a_realm_of_its_own() {
        let pam = json!({ "realm": "pam", "type": "pam" });
        let backup = json!([pam, { "realm": "pbs", "type": "pbs" }]);
        assert_eq!(product(backup), Some("Proxmox Backup Server"));
        let early = json!([{ "realm": "pam" }, { "realm": "pbs" }]);
        assert_eq!(product(early), Some("Proxmox Backup Server"));
        let mail = json!([pam, { "realm": "pmg", "type": "pmg" }]);
        assert_eq!(product(mail), Some("Proxmox Mail Gateway"));
        let datacenter = json!([pam, { "realm": "pdm", "type": "pdm" }]);
        assert_eq!(product(datacenter), Some("Proxmox Datacenter Manager"));
    }

    #[test]
    fn a_directory_may_have_any_name() {
        let realms = json!([{ "realm": "pve", "type": "pve" }, { "realm": "pbs", "type": "ldap" }]);
        assert_eq!(product(realms), None);
    }

    #[test]
    fn a_title_is_taken_out_of_its_page() {
        let title = |page: &str| title_in(page);
        let page =
            "<!DOCTYPE html>\n<HTML><head><Title id=t>\n  pmg1 -\tProxmox Mail Gateway </TITLE>";
        assert_eq!(title(page).unwrap(), "pmg1 - Proxmox Mail Gateway");
        assert_eq!(title("<title></title>"), None);
        assert_eq!(title("<title>without an end"), None);
        assert_eq!(title("{\"data\":null}"), None);
        assert_eq!(title("<title>a\u{1b}[31mb</title>").unwrap(), "a[31mb");
        assert_eq!(
            title(&format!("<title>{}</title>", "ä".repeat(200)))
                .unwrap()
                .chars()
                .count(),
            80
        );
    }
}
