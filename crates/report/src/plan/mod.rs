//! A plan, on one screen and as a plot.
//!
//! In goes a [`Plan`](hrload_capacity::plan::Plan) alone, as a plan file has it;
//! out come text, and an SVG of the day: what is asked of the table beside what
//! each way of paying has to give. Must not know how a plan is made.

mod picture;
mod text;

pub use picture::plan_plot;
pub use text::plan;
