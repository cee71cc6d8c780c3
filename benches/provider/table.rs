//! The table of figures.

use std::borrow::{Borrow, Cow};
use std::fmt::Write;

use crate::subject::Subject;

/// One line of the table.
pub struct Row {
    pub measure: Cow<'static, str>,
    pub subject: &'static str,
    pub unit: &'static str,
    /// As many as there were rounds. None: it could not be measured here.
    pub samples: Vec<f64>,
}

impl Row {
    /// A row of this provider alone.
    pub fn ours(
        measure: impl Into<Cow<'static, str>>,
        unit: &'static str,
        samples: Vec<f64>,
    ) -> Self {
        Self {
            measure: measure.into(),
            subject: "ours",
            unit,
            samples,
        }
    }

    /// A row of what the same takes without a provider.
    pub fn without(
        measure: impl Into<Cow<'static, str>>,
        unit: &'static str,
        samples: Vec<f64>,
    ) -> Self {
        Self {
            subject: "no provider",
            ..Self::ours(measure, unit, samples)
        }
    }

    /// A row for each subject, of the samples at its place.
    pub fn each(
        measure: impl Into<Cow<'static, str>>,
        unit: &'static str,
        subjects: &[impl Borrow<Subject>],
        samples: Vec<Vec<f64>>,
    ) -> impl Iterator<Item = Self> {
        let measure = measure.into();
        subjects
            .iter()
            .zip(samples)
            .map(move |(subject, samples)| Self {
                measure: measure.clone(),
                subject: subject.borrow().name,
                unit,
                samples,
            })
    }
}

/// The rows with the least, the median and the greatest of their samples.
pub fn format(rows: &[Row]) -> String {
    let widest = rows.iter().map(|row| row.measure.len()).max();
    let width = widest.unwrap_or_default();
    let mut text = format!(
        "{:width$}  {:11}  {:>4}  {:>9}  {:>9}  {:>9}\n",
        "", "", "", "min", "median", "max"
    );
    for row in rows {
        let [min, median, max] = summary(&row.samples);
        let line = format!(
            "{:width$}  {:11}  {:>4}  {min:>9}  {median:>9}  {max:>9}",
            row.measure, row.subject, row.unit
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn summary(samples: &[f64]) -> [String; 3] {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let figure = |value: f64| format!("{value:.2}");
    match sorted.as_slice() {
        [] => [String::new(), "n/a".to_owned(), String::new()],
        [only] => [String::new(), figure(*only), String::new()],
        [min, .., max] => {
            let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
            [
                figure(*min),
                figure(f64::midpoint(below, above)),
                figure(*max),
            ]
        }
    }
}
