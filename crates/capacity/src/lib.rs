//! The rules of DynamoDB and Kinesis capacity, as values and pure machines.
//!
//! In go sizes, counts and the time; out come units, admissions, throttles and
//! money. No clock, no I/O, no locks: time is an argument, in microseconds since
//! the Unix epoch, so that the embedded services (in real time) and a planner
//! (in virtual time) run the same machines. [`size`] says how large an item is
//! and what writing or reading it costs, [`table`] what a DynamoDB table admits,
//! [`scaling`] how auto scaling moves its provisioned units, [`quota`] what an
//! account may ask for, [`stream`] what a Kinesis stream takes, gives and grows
//! to, [`sizing`] how large both are made for a load; [`price`] and [`bill`] say
//! what it all costs, and [`plan`] puts a day through all of it.

pub mod bill;
pub mod plan;
pub mod price;
pub mod quota;
pub mod scaling;
pub mod size;
pub mod sizing;
pub mod stream;
pub mod table;
