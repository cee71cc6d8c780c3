//! Names in a sentence.

use std::fmt;

/// The names, separated by commas; of many, the first ones and the number of the others.
pub fn listing(names: impl IntoIterator<Item = impl fmt::Display>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::listing;

    #[test]
    fn of_many_names_the_first_are_shown() {
        let names: Vec<String> = (1..=10).map(|n| n.to_string()).collect();
        assert_eq!(listing(&names[..2]), "1, 2");
        assert_eq!(listing(&names), "1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
    }
}
