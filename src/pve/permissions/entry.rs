//! Entries of the access control list, and the users and tokens that they are for.

/// The user that has every privilege everywhere.
pub const SUPERUSER: &str = "root@pam";

/// The user, group or token that an entry is for, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
    /// An API token.
    Token(&'a str),
}

/// One role at a normalised path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<'a> {
    /// The path.
    pub path: &'a str,
    /// The role.
    pub role: &'a str,
    /// Whether deeper paths inherit it.
    pub propagate: bool,
}

/// A user with the groups that it is a member of.
#[derive(Debug, Clone, Copy)]
pub struct User<'a> {
    /// The user's id, with its realm.
    pub id: &'a str,
    /// The names of its groups.
    pub groups: &'a [String],
}

/// A token with its owner.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    /// The token's full id.
    pub id: &'a str,
    /// The user it belongs to.
    pub owner: User<'a>,
    /// Whether it has only privileges that are granted to the token itself.
    pub privilege_separation: bool,
}
