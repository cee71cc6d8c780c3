//! The size of the binary.

use std::{fs, io};

use crate::Measured;
use crate::options::Options;
use crate::subject::Subject;
use crate::table::Row;

/// The size of each binary.
pub fn measure(subjects: &[Subject], _: &Options) -> Measured {
    let size = |subject: &Subject| Ok(vec![fs::metadata(&subject.binary)?.len() as f64 / 1e6]);
    let sizes: io::Result<_> = subjects.iter().map(size).collect();
    Ok(Row::each("size of the binary", "MB", subjects, sizes?).collect())
}
