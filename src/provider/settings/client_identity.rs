//! The certificate and key that the client presents to a gateway.

use std::path::Path;

use crate::provider::attributes::secret::StoredSecret;
use crate::provider::settings::file;
use crate::provider::settings::setting::{Setting, SettingError, Source};
use crate::pve::{ClientIdentity, Secret};

/// The settings of the client's certificate. Both halves come from one source.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    /// The certificate chain: PEM text, or the path of a file.
    pub certificate: Setting<String>,
    /// The private key: PEM text, or the path of a file.
    pub key: Setting<StoredSecret>,
}

impl ClientSettings {
    /// Whether one of the two is set.
    pub fn is_set(&self) -> bool {
        self.certificate.is_set() || self.key.is_set()
    }

    /// These settings if any is set, else the others.
    pub fn or(self, other: Self) -> Self {
        if self.is_set() { self } else { other }
    }

    /// The identity of the client; `None` where it is not set.
    pub fn resolve(&self) -> Result<Option<ClientIdentity>, SettingError> {
        match (self.certificate.source(), self.key.source()) {
            (Some(certificate), None) => return Err(half(&certificate, "client_key")),
            (None, Some(key)) => return Err(half(&key, "client_certificate")),
            _ => {}
        }
        let (Some((certificate, source)), Some((key, key_source))) =
            (self.certificate.known()?, self.key.known()?)
        else {
            return Ok(None);
        };
        let certificate = load(certificate, source)?;
        let key = load(key.secret().expose(), key_source)?;
        let identity = ClientIdentity::new(certificate.expose(), key);
        identity.map(Some).map_err(|error| {
            let detail = format!("{source} and {key_source} are invalid: {error}.");
            SettingError::invalid("Invalid client certificate", detail, source)
        })
    }
}

fn half(set: &Source, missing: &str) -> SettingError {
    let detail = format!(
        "{set} is set, but `{missing}` is not. A client certificate is used together with its \
         private key: set `{missing}` in the same place as well, or remove {set}."
    );
    SettingError::invalid("Incomplete client certificate", detail, set)
}

/// PEM text, or the content of the file of that path. The text is not quoted: it may be a key
/// without its first line.
fn load(text: &str, source: &Source) -> Result<Secret, SettingError> {
    if text.contains("-----BEGIN") {
        return Ok(Secret::new(text));
    }
    let content = file::read(Path::new(text)).map_err(|error| {
        let path = match text.len() <= 256 && !text.trim().contains(char::is_whitespace) {
            true => format!("The file {:?}", text.trim()),
            false => "The file".to_owned(),
        };
        let detail = format!(
            "{source} is neither PEM text (it does not contain \"-----BEGIN\") nor the path of a \
             readable file. {path} cannot be read: {error}."
        );
        SettingError::invalid("Unreadable client certificate", detail, source)
    })?;
    Ok(Secret::new(String::from_utf8_lossy(&content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(certificate: &str, key: &str) -> ClientSettings {
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let known = |name, text| Setting::Known(text, Source::Attribute(name));
        ClientSettings {
            certificate: set(certificate)
                .map(|text| known("client_certificate", text))
                .unwrap_or_default(),
            key: set(key)
                .map(|text| {
                    let key = StoredSecret::from(Secret::new(text));
                    Setting::Known(key, Source::Attribute("client_key"))
                })
                .unwrap_or_default(),
        }
    }

    #[test]
    fn text_and_files_are_read_and_one_half_is_refused() {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.key_pair.serialize_pem());
        assert!(settings(&certificate, &key).resolve().unwrap().is_some());
        assert!(settings("", "").resolve().unwrap().is_none());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client.pem");
        std::fs::write(&path, format!("{certificate}{key}")).unwrap();
        let path = path.to_str().unwrap();
        assert!(settings(path, path).resolve().unwrap().is_some());
        for (certificate, key, summary) in [
            (certificate.as_str(), "", "Incomplete client certificate"),
            ("", key.as_str(), "Incomplete client certificate"),
            (&certificate, "/dev/zero", "Unreadable client certificate"),
            (&certificate, "none.pem", "Unreadable client certificate"),
            (&key, &key, "Invalid client certificate"),
        ] {
            let problem = settings(certificate, key).resolve().unwrap_err().problem();
            assert_eq!(problem.unwrap().summary, summary);
        }
    }
}
