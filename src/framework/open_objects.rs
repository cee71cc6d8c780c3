//! The ephemeral objects that are open.
//!
//! Terraform and OpenTofu close an ephemeral object only if everything that depends on it has
//! succeeded. After an error, and when they are killed, nobody closes it: the server does, at its
//! own end.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The private states of open objects.
#[derive(Default)]
pub(super) struct OpenObjects(Mutex<Vec<OpenObject>>);

/// Terraform closes an object with the private state of its opening, OpenTofu with that of its
/// latest renewal.
struct OpenObject {
    opened: Vec<u8>,
    latest: Vec<u8>,
}

impl OpenObject {
    fn is(&self, private: &[u8]) -> bool {
        self.opened == private || self.latest == private
    }
}

impl OpenObjects {
    /// Records an object that was opened.
    pub fn opened(&self, private: &[u8]) {
        self.objects().push(OpenObject {
            opened: private.to_owned(),
            latest: private.to_owned(),
        });
    }

    /// Records the private state that a renewal gave an object.
    pub fn renewed(&self, before: &[u8], after: &[u8]) {
        let mut objects = self.objects();
        let renewed = objects.iter_mut().find(|object| object.is(before));
        if let Some(object) = renewed {
            object.latest = after.to_owned();
        }
    }

    /// Forgets an object that was closed.
    pub fn closed(&self, private: &[u8]) {
        self.objects().retain(|object| !object.is(private));
    }

    /// Forgets all objects, and returns their latest private states.
    pub fn take(&self) -> Vec<Vec<u8>> {
        let objects = std::mem::take(&mut *self.objects());
        objects.into_iter().map(|object| object.latest).collect()
    }

    fn objects(&self) -> MutexGuard<'_, Vec<OpenObject>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::OpenObjects;

    #[test]
    fn an_object_is_closed_by_either_of_its_private_states() {
        let open = OpenObjects::default();
        for private in [b"a", b"b", b"c"] {
            open.opened(private);
        }
        open.renewed(b"a", b"a1");
        open.renewed(b"a1", b"a2");
        open.renewed(b"b", b"b1");
        open.closed(b"a");
        open.closed(b"b1");
        assert_eq!(open.take(), [b"c".to_vec()]);
        assert!(open.take().is_empty());
    }
}
