//! The validation of a `proxmox_host`, without a connection.

mod write_only;

use crate::framework::Problem;
use crate::provider::attributes::timeouts;
use crate::provider::host::connect::own_port;
use crate::provider::host::facts::invalid_required_privileges;
use crate::provider::host::model::State;
use crate::provider::settings::address::parse_endpoint;
use crate::provider::settings::setting::{SettingError, Source, problem};
use crate::pve::Endpoint;

/// The problems of a configuration, as far as its values are known.
pub fn problems(config: &State) -> Vec<Problem> {
    let mut problems: Vec<Problem> = problem(address(config)).into_iter().collect();
    problems.extend(write_only::problems(config));
    problems.extend(invalid_required_privileges(&config.required_privileges));
    problems.extend(timeouts::problems(&config.timeouts));
    problems.extend(problem(config.credentials().resolve()));
    problems.extend(problem(config.tls().resolve()));
    problems
}

/// The host's own address: its parts are valid, and `hostname` has no other port than `port`.
fn address(config: &State) -> Result<(), SettingError> {
    let port = own_port(config);
    let hostname = config.hostname();
    if let Some((text, source)) = hostname.known()? {
        let address = parse_endpoint(text, source)?;
        let (Some(port), Some(inside)) = (port.clone()?, Endpoint::explicit_port(text)) else {
            return port.map(|_| ());
        };
        if port != inside {
            return Err(SettingError::invalid(
                "Conflicting ports",
                format!(
                    "`hostname` has the port {inside}, but `port` is {port}. Remove one of them, \
                     or set both to the same port. The address would be {}.",
                    address.with_port(port)
                ),
                &Source::Attribute("port"),
            ));
        }
    }
    port.map(|_| ())
}
