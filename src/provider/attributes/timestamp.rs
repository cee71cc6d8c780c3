//! Instants as Terraform has them (RFC 3339 text) and as Proxmox VE has them (epoch seconds).

use tf_provider::value::Value;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Reads an RFC 3339 instant, any offset, as whole epoch seconds. The error says what the form
/// should be.
pub fn parse(text: &str) -> Result<i64, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
        // Near the year 10000 an offset can lead to an instant that cannot be written back.
        .filter(|seconds| format(*seconds).is_some())
        .ok_or_else(|| {
            "it must be an RFC 3339 date and time with an offset, before the year 10000, such as \
             \"2027-12-31T00:00:00Z\" or \"2027-12-31T00:00:00+01:00\""
                .to_owned()
        })
}

/// Epoch seconds as RFC 3339 in UTC; `None` for a number outside the years 0 to 9999.
pub fn format(seconds: i64) -> Option<String> {
    let instant = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    instant.to_offset(UtcOffset::UTC).format(&Rfc3339).ok()
}

/// [`format()`] as an attribute: null when there is no instant.
pub fn attribute(seconds: Option<i64>) -> Value<String> {
    seconds.and_then(format).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_instants_in_different_offsets_are_equal() {
        assert_eq!(
            parse("2027-12-31T02:00:00+02:00"),
            parse("2027-12-31T00:00:00Z")
        );
    }

    #[test]
    fn an_instant_survives_the_way_to_the_server_and_back() {
        let text = "2027-12-31T00:00:00Z";
        assert_eq!(format(parse(text).unwrap()).as_deref(), Some(text));
    }

    #[test]
    fn a_date_without_time_or_offset_is_refused_with_the_form_it_should_have() {
        for text in [
            "2027-12-31",
            "2027-12-31T00:00:00",
            "tomorrow",
            "",
            "9999-12-31T23:59:59-12:00",
        ] {
            assert!(parse(text).unwrap_err().contains("RFC 3339"), "{text}");
        }
    }

    #[test]
    fn an_absurd_number_from_a_server_is_no_instant() {
        assert_eq!(format(i64::MAX), None);
    }
}
