//! A string that is never shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password, a token's secret, a ticket or a seed.
///
/// It has no `Display`, cannot be serialised, prints as `Secret(..)` under `Debug`, and its
/// memory is zeroed when the last owner drops it. [`Secret::expose`] is the one way out, so
/// every place that handles the text itself can be found by that name.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_nothing_of_the_text() {
        let secret = Secret::new("573e8a06-e698-427c-acd8-738410c8ee7f");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose(), "573e8a06-e698-427c-acd8-738410c8ee7f");
    }
}
