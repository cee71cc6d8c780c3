//! The calls of the protocol, one by one, over the service of the toy provider.

#[macro_use]
mod support;

mod ephemeral_resources;
mod resources;
mod schemas;
mod streams;

/// Every test with its name.
pub fn tests() -> impl Iterator<Item = (&'static str, fn())> {
    let tests = [
        schemas::TESTS,
        resources::TESTS,
        ephemeral_resources::TESTS,
        streams::TESTS,
    ];
    tests.into_iter().flatten().copied()
}
