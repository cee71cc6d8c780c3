//! The known name that is closest to an unknown one.

/// The candidates, most similar to `name` first, each with the number of letters in which it
/// differs. Case makes no difference.
pub fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<(&'a str, usize)> {
    let name = name.to_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&name, &other.to_lowercase());
    let mut names: Vec<(&str, usize)> = candidates
        .into_iter()
        .map(|candidate| (candidate, distance(candidate)))
        .collect();
    names.sort_by_key(|(_, distance)| *distance);
    names
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_most_similar_name_comes_first_regardless_of_case() {
        let roles = ["Admin", "Auditor", "User"];
        assert_eq!(nearest("auditer", roles)[0], ("Auditor", 1));
        assert_eq!(nearest("ADMIN", roles)[0], ("Admin", 0));
        assert_eq!(nearest("x", []), []);
    }
}
