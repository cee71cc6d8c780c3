//! Second factors: time-based codes (RFC 6238) and recovery keys.
//!
//! A code is good for its step (30 s by default) and its neighbours, and for one login only: a
//! step that was
//! used, and any before it, is refused (249-tfa-challenge-right). Eight wrong codes lock the
//! codes, not the recovery keys.

use std::num::NonZeroU64;

use serde_json::{Map, Value, json};

use crate::random;

/// Seconds a code is good for, by default.
const STEP: NonZeroU64 = NonZeroU64::new(30).unwrap();
/// Wrong codes after which no code is accepted any more.
const LIMIT: u32 = 8;

/// A seed, and the seconds after which its code changes.
#[derive(Debug, Clone)]
struct Totp {
    seed: [u8; 20],
    step: NonZeroU64,
}

impl Totp {
    fn step_at(&self, now: i64) -> u64 {
        u64::try_from(now).unwrap_or_default() / self.step
    }

    fn code_of_step(&self, step: u64) -> String {
        let totp = totp_rs::Builder::new()
            .with_secret(self.seed)
            .with_step_duration(self.step.get());
        let start = step.saturating_mul(self.step.get());
        totp.build_noncompliant().generate(start).to_string()
    }
}

/// The second factors of one user.
#[derive(Clone, Default)]
pub(crate) struct SecondFactors {
    totp: Option<Totp>,
    last_step: Option<u64>,
    failures: u32,
    /// By number; used keys are gone.
    recovery: Vec<Option<String>>,
    created: i64,
}

impl SecondFactors {
    /// Sets a random seed and returns it in base32.
    pub(crate) fn enable_totp(&mut self, now: i64) -> String {
        self.enable_totp_with_step(STEP, now)
    }

    /// The same with codes that change every `step` seconds.
    pub(crate) fn enable_totp_with_step(&mut self, step: NonZeroU64, now: i64) -> String {
        let seed: [u8; 20] = random::bytes();
        self.totp = Some(Totp { seed, step });
        (self.last_step, self.failures, self.created) = (None, 0, now);
        data_encoding::BASE32_NOPAD.encode(&seed)
    }

    pub(crate) fn enable_recovery(&mut self, keys: &[String], now: i64) {
        self.recovery = keys.iter().cloned().map(Some).collect();
        self.created = now;
    }

    /// Uses up the key of that number.
    pub(crate) fn use_recovery_key(&mut self, number: usize) {
        if let Some(key) = self.recovery.get_mut(number) {
            *key = None;
        }
    }

    /// The code of a moment.
    pub(crate) fn code(&self, now: i64) -> Option<String> {
        let totp = self.totp.as_ref()?;
        Some(totp.code_of_step(totp.step_at(now)))
    }

    /// Whether too many wrong codes were tried.
    pub(crate) fn is_locked(&self) -> bool {
        self.failures >= LIMIT
    }

    /// Takes as many wrong codes for tried as lock the codes.
    pub(crate) fn lock(&mut self) {
        self.failures = LIMIT;
    }

    /// Forgets the wrong codes; tells whether that unlocked anything.
    pub(crate) fn unlock(&mut self) -> bool {
        let locked = self.is_locked();
        self.failures = 0;
        locked
    }

    /// What a login is asked for, or nothing when the password is enough.
    pub(crate) fn challenge(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.totp.is_some() {
            parts.push(r#""totp":true"#.to_owned());
        }
        let left: Vec<String> = (0..self.recovery.len())
            .filter(|&number| self.recovery.get(number).is_some_and(Option::is_some))
            .map(|number| number.to_string())
            .collect();
        if !left.is_empty() {
            parts.push(format!(r#""recovery":[{}]"#, left.join(",")));
        }
        (!parts.is_empty()).then(|| format!("{{{}}}", parts.join(",")))
    }

    /// Whether the response, `totp:CODE` or `recovery:KEY`, is right; a right one is used up.
    pub(crate) fn verify(&mut self, response: &str, now: i64) -> bool {
        match response.split_once(':') {
            Some(("totp", code)) => self.verify_totp(code, now),
            Some(("recovery", key)) => {
                let key = key.trim();
                let used = self
                    .recovery
                    .iter_mut()
                    .find(|slot| slot.as_deref() == Some(key));
                used.and_then(Option::take).is_some()
            }
            _ => false,
        }
    }

    fn verify_totp(&mut self, code: &str, now: i64) -> bool {
        let matching = self.totp.as_ref().and_then(|totp| {
            let step = totp.step_at(now);
            let mut steps = step.saturating_sub(1)..=step.saturating_add(1);
            steps.find(|&step| totp.code_of_step(step) == code)
        });
        let Some(step) = matching else {
            self.failures = self.failures.saturating_add(1);
            return false;
        };
        if self.is_locked() || self.last_step.is_some_and(|last| step <= last) {
            return false;
        }
        (self.last_step, self.failures) = (Some(step), 0);
        true
    }

    /// The list that the administrator's view shows.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let entry = |id: &str, kind: &str| {
            let mut entry = Map::new();
            entry.insert("id".into(), json!(id));
            entry.insert("type".into(), json!(kind));
            entry.insert("description".into(), json!(""));
            entry.insert("created".into(), json!(self.created));
            entry.insert("enable".into(), json!(1));
            Value::Object(entry)
        };
        let totp = self.totp.as_ref().map(|_| entry("totp", "totp"));
        let recovery = (!self.recovery.is_empty()).then(|| entry("recovery", "recovery"));
        totp.into_iter().chain(recovery).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let factors = SecondFactors {
            totp: Some(Totp {
                seed: *b"12345678901234567890",
                step: STEP,
            }),
            ..SecondFactors::default()
        };
        // Appendix B of RFC 6238, the last six digits.
        assert_eq!(factors.code(59).as_deref(), Some("287082"));
        assert_eq!(factors.code(1_111_111_109).as_deref(), Some("081804"));
    }

    #[test]
    fn a_code_works_once_and_the_step_is_used_up() {
        let mut factors = SecondFactors::default();
        factors.enable_totp(0);
        let code = factors.code(3000).unwrap();
        assert!(factors.verify(&format!("totp:{code}"), 3000));
        assert!(!factors.verify(&format!("totp:{code}"), 3010));
        let next = factors.code(3030).unwrap();
        assert!(factors.verify(&format!("totp:{next}"), 3030));
    }

    #[test]
    fn eight_wrong_codes_lock_the_codes_but_not_the_recovery_keys() {
        let mut factors = SecondFactors::default();
        factors.enable_totp(0);
        factors.enable_recovery(&["a-b".to_owned()], 0);
        for _ in 0..8 {
            assert!(!factors.verify("totp:xxxxxx", 3000));
        }
        let code = factors.code(3000).unwrap();
        assert!(factors.is_locked() && !factors.verify(&format!("totp:{code}"), 3000));
        assert!(factors.verify("recovery:a-b", 3000));
        assert!(!factors.verify("recovery:a-b", 3000));
        assert!(factors.unlock() && factors.verify(&format!("totp:{code}"), 3000));
    }
}
