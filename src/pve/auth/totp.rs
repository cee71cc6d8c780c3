//! One-time codes from a seed (RFC 6238), for accounts with a second factor.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use totp_rs::{Builder, Secret as Seed, Totp};

/// Why a text is no seed. Nothing of the text is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    /// Not base32.
    #[error(
        "the TOTP seed is not base32: it holds only the letters A to Z and the digits 2 to 7, as in the otpauth:// address behind the QR code"
    )]
    NotBase32,
    /// Nothing in it.
    #[error("the TOTP seed is empty")]
    Empty,
    /// An `otpauth://` URL that does not describe a time-based factor with 6 to 8 digits.
    #[error(
        "the otpauth:// address is not one of a time-based one-time password with a secret and 6 to 8 digits"
    )]
    Url,
}

/// The seed of a time-based second factor, with its step length and number of digits.
///
/// Read from base32, as Proxmox VE shows it (SHA-1, 6 digits, 30 seconds), or from the
/// `otpauth://totp/…` address in the QR code. Zeroed on drop.
#[derive(Clone)]
pub struct TotpSeed(Arc<Totp>);

impl TotpSeed {
    /// The code that is valid at this Unix time in seconds.
    pub fn code_at(&self, unix_seconds: u64) -> crate::pve::secret::Secret {
        crate::pve::secret::Secret::new(self.0.generate(unix_seconds).to_string())
    }

    /// The number of the time step that holds this Unix time: one code per step, and the
    /// server takes each only once.
    pub fn step_at(&self, unix_seconds: u64) -> u64 {
        unix_seconds / self.0.step()
    }

    /// The Unix time in seconds at which a step begins.
    pub fn start_of(&self, step: u64) -> u64 {
        step.saturating_mul(self.0.step())
    }
}

impl FromStr for TotpSeed {
    type Err = TotpError;

    fn from_str(text: &str) -> Result<Self, TotpError> {
        let text = text.trim();
        let totp = if text.to_ascii_lowercase().starts_with("otpauth:") {
            Totp::from_url_unchecked(text).map_err(|_| TotpError::Url)?
        } else {
            from_base32(text)?
        };
        // Outside these bounds `generate` divides by zero or panics.
        let sane = (6..=8).contains(&totp.digits()) && totp.step() > 0;
        sane.then(|| Self(Arc::new(totp))).ok_or(TotpError::Url)
    }
}

/// Shorter seeds than RFC 4226 wants are taken: the account has the seed it has.
fn from_base32(text: &str) -> Result<Totp, TotpError> {
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if plain.is_empty() {
        return Err(TotpError::Empty);
    }
    let seed = Seed::try_from_base32(&plain).map_err(|_| TotpError::NotBase32)?;
    Ok(Builder::new().with_secret(seed).build_noncompliant())
}

impl fmt::Debug for TotpSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSeed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{TotpError, TotpSeed};

    /// "12345678901234567890", the SHA-1 seed of RFC 6238, appendix B.
    const RFC_6238: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_match_the_vectors_of_rfc_6238() {
        let url = format!(
            "otpauth://totp/Proxmox:demo?secret={RFC_6238}&digits=8&period=30&algorithm=SHA1"
        );
        let seed: TotpSeed = url.parse().unwrap();
        for (time, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(seed.code_at(time).expose(), code, "at {time}");
        }
    }

    #[test]
    fn a_bare_seed_means_six_digits_every_thirty_seconds() {
        let seed: TotpSeed = RFC_6238.parse().unwrap();
        assert_eq!(seed.code_at(59).expose(), "287082");
        assert_eq!(
            (seed.step_at(59), seed.step_at(60), seed.start_of(2)),
            (1, 2, 60)
        );
    }

    #[test]
    fn a_seed_copied_by_hand_is_understood() {
        let typed: TotpSeed = " gezd gnbv-gy3t qojq gezd gnbv gy3t qojq== "
            .parse()
            .unwrap();
        assert_eq!(typed.code_at(59).expose(), "287082");
    }

    #[test]
    fn what_is_no_seed_is_refused_without_being_quoted() {
        assert_eq!("".parse::<TotpSeed>().unwrap_err(), TotpError::Empty);
        assert_eq!(
            "123456".parse::<TotpSeed>().unwrap_err(),
            TotpError::NotBase32
        );
        for url in [
            "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ",
            "otpauth://totp/x",
            "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=12",
            "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=0",
        ] {
            assert_eq!(
                url.parse::<TotpSeed>().unwrap_err(),
                TotpError::Url,
                "{url}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_seed() {
        let seed: TotpSeed = RFC_6238.parse().unwrap();
        assert_eq!(format!("{seed:?}"), "TotpSeed(..)");
    }
}
