//! For tests and fuzz targets: generators of configurations and requests, and a
//! naive evaluator to compare with.

pub mod generate;
pub mod oracle;

#[cfg(test)]
mod properties;
