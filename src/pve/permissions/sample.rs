//! Sample roles and entries, and a generator of access control lists.

use crate::pve::permissions::entry::{Entry, Subject};
use crate::pve::permissions::roles::{NO_ACCESS, Roles};

const ROLES: [(&str, &[&str]); 5] = [
    ("Admin", &["Sys.Audit", "User.Modify", "VM.Audit"]),
    ("Auditor", &["Sys.Audit", "VM.Audit"]),
    ("UserAdmin", &["User.Modify"]),
    ("Empty", &[]),
    (NO_ACCESS, &[]),
];

const PATHS: [&str; 6] = [
    "/",
    "/access",
    "/access/groups",
    "/access/groups/ops",
    "/vms",
    "/vms/100",
];

pub(super) fn roles() -> Roles {
    let role = |(name, held): (&str, &[&str])| {
        let held = held.iter().map(|&name| name.to_owned());
        (name.to_owned(), held.collect())
    };
    ROLES.map(role).into()
}

/// An entry for `user@realm`, `user@realm!token` or `@group`.
pub(super) fn entry<'a>(
    path: &'a str,
    subject: &'a str,
    role: &'a str,
    propagate: bool,
) -> (Subject<'a>, Entry<'a>) {
    let subject = match subject.strip_prefix('@') {
        Some(group) => Subject::Group(group),
        None if subject.contains('!') => Subject::Token(subject),
        None => Subject::User(subject),
    };
    let entry = Entry {
        path,
        role,
        propagate,
    };
    (subject, entry)
}

/// A repeatable sequence of lists and paths: the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn path(&mut self) -> &'static str {
        PATHS[self.below(PATHS.len())]
    }

    /// An entry for one of the subjects.
    pub(super) fn entry(
        &mut self,
        subjects: &[&'static str],
    ) -> (Subject<'static>, Entry<'static>) {
        let subject = subjects[self.below(subjects.len())];
        let (role, _) = ROLES[self.below(ROLES.len())];
        entry(self.path(), subject, role, self.below(2) == 0)
    }

    /// Up to five entries, none of them twice.
    pub(super) fn list(
        &mut self,
        subjects: &[&'static str],
    ) -> Vec<(Subject<'static>, Entry<'static>)> {
        let mut list: Vec<(Subject<'_>, Entry<'_>)> = Vec::new();
        for _ in 0..self.below(6) {
            let more = self.entry(subjects);
            let is_same = |(subject, entry): &(Subject<'_>, Entry<'_>)| {
                (*subject, entry.path, entry.role) == (more.0, more.1.path, more.1.role)
            };
            if !list.iter().any(is_same) {
                list.push(more);
            }
        }
        list
    }

    /// SplitMix64.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        usize::try_from((mixed ^ (mixed >> 31)) % limit).unwrap_or_default()
    }
}
