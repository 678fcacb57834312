//! The table.

mod claims;
mod effects;
mod form;
mod keys;
mod places;
mod several;

use super::row::Row;

/// Every row.
pub fn every_row() -> impl Iterator<Item = &'static Row> {
    [
        places::ROWS,
        form::ROWS,
        claims::ROWS,
        keys::ROWS,
        several::ROWS,
        effects::ROWS,
    ]
    .into_iter()
    .flatten()
}
