//! Instants in Terraform's form (RFC 3339 text) and in Proxmox VE's (seconds since 1970).

use tf_provider::value::Value;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::pve::{Expiry, Timestamp};

/// Parses an RFC 3339 date and time with any offset. The error names the expected form.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .map(Timestamp::from)
        // Near the year 10000 an offset can lead to an instant that cannot be written back.
        .filter(|instant| format(*instant).is_some())
        .ok_or_else(|| {
            "it must be an RFC 3339 date and time with an offset, before the year 10000, such as \
             \"2027-12-31T00:00:00Z\" or \"2027-12-31T00:00:00+01:00\""
                .to_owned()
        })
}

/// Formats an instant as RFC 3339 in UTC; `None` outside the years 0 to 9999.
pub fn format(instant: Timestamp) -> Option<String> {
    let instant = OffsetDateTime::from_unix_timestamp(instant.unix()).ok()?;
    instant.to_offset(UtcOffset::UTC).format(&Rfc3339).ok()
}

/// The instant of an attribute, where it is known and well-formed.
pub fn known(value: &Value<String>) -> Option<Timestamp> {
    parse(value.as_ref_option()?).ok()
}

/// Whether two attributes name the same instant, in whatever offset.
pub fn same(left: &Value<String>, right: &Value<String>) -> bool {
    match (known(left), known(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left.is_null() && right.is_null(),
    }
}

/// An instant or an expiry as an attribute; null where there is no date.
pub fn attribute(instant: impl Into<Option<Timestamp>>) -> Value<String> {
    instant.into().and_then(format).into()
}

impl From<Expiry> for Option<Timestamp> {
    fn from(expiry: Expiry) -> Self {
        expiry.date()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn an_instant_that_can_be_written_is_read_back(seconds: i64) {
            let instant = Timestamp::from_unix(seconds);
            if let Some(text) = format(instant) {
                prop_assert_eq!(parse(&text), Ok(instant));
            }
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "[0-9T:Z.+-]{0,40}") {
            let _ = parse(&text);
        }
    }

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
    fn a_date_without_time_or_offset_is_refused_with_the_expected_form() {
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
    fn a_number_beyond_the_calendar_has_no_date() {
        assert_eq!(format(Timestamp::from_unix(i64::MAX)), None);
    }
}
