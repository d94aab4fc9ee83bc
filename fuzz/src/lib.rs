//! The laws that hrload's fuzz targets assert; README.md ("Fuzzing") says how they are run.

pub mod laws;
