//! The one reader of what lies in a lake.
//!
//! In goes a lake that anybody may have written to; out come its objects, the text of
//! each, the records in that, and remarks on what is not among them: a bad name, a bad
//! object and a bad line each cost themselves and are named. The dashboard, SQL and
//! whoever else looks into a lake read it here, so that they count alike. Must not
//! know who looks.
//!
//! ```text
//! list -> Object -> text (decompressed) -> Records -> Readings
//!    \_________________\_____________________\___________\-> Remarks
//! ```

mod list;
mod reading;
mod record;
mod remark;
mod text;

pub use list::{Listing, Object};
pub use reading::Readings;
pub use record::{Piece, Records};
pub use remark::{Found, Remark, Remarks, Spot, Tally};
pub use text::Text;
