//! How other machines are reached: URLs that print without their secrets, and what a call
//! met on its way, in the system's words.

pub mod endpoint;
pub mod trouble;
