//! The server versions that can be selected, and what tells them apart.
//!
//! Named after the Proxmox VE release; what differs comes from three packages behind it
//! (libpve-access-control, pve-http-server and pve-manager), so each difference is a question
//! of its own here instead of a comparison of versions at the place of use.

/// A Proxmox VE release the simulator can answer as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 8.2: libpve-access-control 8.2.2 behind pve-http-server 5.1.2.
    V8_2,
    /// 9.0: libpve-access-control 9.0.7 behind pve-http-server 6.
    V9_0,
    /// 9.1 and 9.2: libpve-access-control 9.1.1, pve-manager 9.2.11.
    V9_1,
}

impl Version {
    /// Reads `8.2`, `9.0` or `9.1`.
    ///
    /// # Errors
    /// The text itself when it names no known version.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "8.2" => Ok(Self::V8_2),
            "9.0" => Ok(Self::V9_0),
            "9.1" | "9.2" => Ok(Self::V9_1),
            other => Err(format!(
                "unknown version '{other}', known are 8.2, 9.0 and 9.1"
            )),
        }
    }

    /// `PUT` of a token knows `regenerate`.
    pub(crate) fn token_regenerate(self) -> bool {
        self >= Self::V9_1
    }

    /// `PUT` of a token knows `delete`, and an empty comment clears the comment.
    pub(crate) fn token_comment_clears(self) -> bool {
        self >= Self::V9_0
    }

    /// Error responses repeat their text in the body.
    pub(crate) fn error_bodies(self) -> bool {
        self >= Self::V9_0
    }

    /// The status line of a refused credential says what was wrong with it
    /// (pve-manager before 9.1.5).
    pub(crate) fn explains_refusals(self) -> bool {
        self < Self::V9_1
    }

    /// The privilege `VM.Monitor` exists, and those that replaced it do not.
    pub(crate) fn vm_monitor(self) -> bool {
        self < Self::V9_0
    }

    /// `version`, `release` and `repoid` as `GET /version` tells them.
    pub(crate) fn identity(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::V8_2 => ("8.2.2", "8.2", "9355359cd7afbae4"),
            Self::V9_0 => ("9.0.3", "9.0", "025864202ebb6109"),
            Self::V9_1 => ("9.2.11", "9.2", "14a22df35955d97d"),
        }
    }
}
