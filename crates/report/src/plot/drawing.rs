//! A picture inside a page: without a ground of its own, its colours variables
//! that the page's style sheet sets, so that they follow light and dark.

use super::Colour;
use super::canvas::{GRID, INK, LANE_GROUND};
use plotters::style::{RGBColor, WHITE};

/// A picture as a page shows it, and as a phone does: what is only made smaller cannot be
/// read there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// For pages.
    pub wide: Picture,
    /// For phones, 350 pixels wide at most.
    pub narrow: Picture,
}

/// Width of a picture for phones, in pixels: of the narrowest in use, what margins leave.
pub(super) const NARROW_PX: i32 = 350;

/// What stands between `<svg>` and `</svg>`. Colours are `var(--plot-ink)`,
/// `-ground`, `-grid`, `-lane` and one for each [`Colour`], in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Elements, with all text in them escaped.
    pub elements: String,
}

impl Picture {
    /// Takes a picture of this room's own making out of its file.
    pub(super) fn of(svg: &str) -> Self {
        let (head, rest) = svg.split_once('>').unwrap_or(("", svg));
        let size = |key: &str| {
            let (_, after) = head.split_once(&format!(" {key}=\""))?;
            after.split('"').next()?.parse().ok()
        };
        let elements = rest
            .rsplit_once("</svg>")
            .map_or(rest, |(within, _)| within);
        let mut elements = elements.trim().to_owned();
        for (colour, name) in variables() {
            let RGBColor(r, g, b) = colour;
            let hex = format!("\"#{r:02X}{g:02X}{b:02X}\"");
            elements = elements.replace(&hex, &format!("\"var(--plot-{name})\""));
        }
        Self {
            width: size("width").unwrap_or(0),
            height: size("height").unwrap_or(0),
            elements,
        }
    }
}

fn variables() -> impl Iterator<Item = (RGBColor, &'static str)> {
    let fixed = [
        (INK, "ink"),
        (WHITE, "ground"),
        (GRID, "grid"),
        (LANE_GROUND, "lane"),
    ];
    let all = Colour::SERIES.into_iter().chain([Colour::Grey]);
    fixed
        .into_iter()
        .chain(all.map(|colour| (colour.rgb(), colour.name())))
}
