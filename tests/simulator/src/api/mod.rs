//! The API's methods, by area.

mod access;
mod acl;
mod cluster;
mod domains;
mod groups;
mod nodes;
mod password;
mod pools;
mod roles;
mod tasks;
mod tfa;
mod ticket;
mod tokens;
mod users;

use crate::call::Method;

/// Every method the simulator has.
pub(crate) fn methods() -> impl Iterator<Item = &'static Method> {
    [
        access::METHODS,
        acl::METHODS,
        cluster::METHODS,
        domains::METHODS,
        groups::METHODS,
        nodes::METHODS,
        password::METHODS,
        pools::METHODS,
        roles::METHODS,
        tasks::METHODS,
        tfa::METHODS,
        ticket::METHODS,
        tokens::METHODS,
        users::METHODS,
    ]
    .into_iter()
    .flatten()
}
