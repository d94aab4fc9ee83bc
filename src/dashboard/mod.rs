//! A page to look at heart rates on, while they come and afterwards.
//!
//! In go readings out of a lake's objects or off a stream; out comes a web page
//! with its numbers, for one person's browser. Must not know how readings are
//! made, sent or measured: what it shows is what anybody could read there.
//!
//! ```text
//! feed (lake | stream) -> board (sums by minute and device) -> view (what is asked)
//!                                                          -> page (charts, tables), csv
//! server: HTTP, who may look
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `board` | what was seen, summed up; pure, bounded by how long it is kept |
//! | `view` | a time range, a device, an aggregation: what a link holds |
//! | `summary` | the numbers of a view; pure |
//! | `left_out` | what is not on the page, and why; pure |
//! | `page`, `charts` | their markup |
//! | `feed`; `lake`, `stream` | where readings come from |
//! | `reference` | how heart rates of the model are distributed |
//! | `server` | the routes, and the token |

mod board;
mod charts;
mod feed;
mod lake;
mod left_out;
mod page;
mod reference;
mod server;
mod stream;
mod summary;
mod view;

pub use board::{Board, Seen};
pub use feed::Source;
pub use reference::{Shares, reference};
pub use server::{Server, ServerError, Shown};
pub use summary::{Point, Summary};
pub use view::{Aggregation, Range, View, ViewError};
