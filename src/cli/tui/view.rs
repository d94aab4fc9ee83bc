//! The picture as a whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, LineGauge, Paragraph};

use super::Notice;
use super::keys::Keys;
use super::panels;
use crate::report::{Phase, amount, count, duration};
use crate::telemetry::Status;

/// The smallest terminal that all panels fit in.
const LEAST: (u16, u16) = (80, 24);

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(10);

/// What is drawn.
#[derive(Debug)]
pub(super) struct View {
    pub(super) status: Arc<Status>,
    palette: Palette,
    doing: String,
    said: Option<(Instant, String)>,
    ending: bool,
}

/// The colours, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    coloured: bool,
}

impl Palette {
    /// Colours unless `NO_COLOR` is set to something (<https://no-color.org>).
    fn of_environment() -> Self {
        Self {
            coloured: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Nothing but brightness.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { coloured: false }
    }

    fn of(self, colour: Color) -> Style {
        if self.coloured {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    pub(super) fn good(self) -> Style {
        self.of(Color::Green)
    }

    pub(super) fn bad(self) -> Style {
        self.of(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(super) fn note(self) -> Style {
        self.of(Color::Yellow)
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }
}

impl View {
    /// Of a run of which this is known.
    pub(super) fn new(status: Arc<Status>) -> Self {
        Self {
            status,
            palette: Palette::of_environment(),
            doing: String::new(),
            said: None,
            ending: false,
        }
    }

    #[cfg(test)]
    pub(super) fn plain(status: Status) -> Self {
        Self {
            palette: Palette::plain(),
            ..Self::new(Arc::new(status))
        }
    }

    /// Shows this from now on.
    pub(super) fn turn_to(&mut self, status: Arc<Status>) {
        self.status = status;
    }

    /// Takes in what the status does not say.
    pub(super) fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Doing(text) => self.doing = text,
            Notice::Said(text) => self.said = Some((Instant::now(), text)),
            Notice::Ending => self.ending = true,
        }
    }

    /// Forgets what was said long enough ago; whether there was any.
    pub(super) fn forget(&mut self) -> bool {
        let said = self.said.take_if(|(since, _)| since.elapsed() > NOTICE);
        said.is_some()
    }

    /// Draws all of it.
    pub(super) fn draw(&self, frame: &mut Frame<'_>, keys: &Keys) {
        let area = frame.area();
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return self.too_small(frame, area);
        }
        let [title, gauge, upper, middle, shards, bottom] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(6),
            Constraint::Length(11),
            Constraint::Min(4),
            Constraint::Length(1),
        ])
        .areas(area);
        let columns = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]);
        let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);
        let [rate, ledger] = halves.areas(upper);
        let [stages, side] = columns.areas(middle);
        let [backlog, throttles] =
            Layout::vertical([Constraint::Length(5), Constraint::Fill(1)]).areas(side);
        frame.render_widget(self.title(area.width), title);
        self.gauge(frame, gauge, keys);
        let (status, palette) = (&*self.status, self.palette);
        panels::rate(frame, rate, status, palette);
        panels::ledger(frame, ledger, status, palette);
        panels::stages(frame, stages, status, palette);
        panels::backlog(frame, backlog, status, palette);
        panels::throttles(frame, throttles, status, palette);
        panels::shards(frame, shards, status, palette);
        frame.render_widget(self.bottom(keys), bottom);
        if keys.help() {
            self.help(frame, area);
        }
    }

    fn too_small(&self, frame: &mut Frame<'_>, area: Rect) {
        let text = format!(
            "this terminal has {} x {} characters; the view needs {} x {}\n\
             {}/s   q stops",
            area.width,
            area.height,
            LEAST.0,
            LEAST.1,
            amount(self.status.latest.acknowledged as f64),
        );
        frame.render_widget(Paragraph::new(text), area);
    }

    fn title(&self, width: u16) -> Line<'_> {
        let about = &self.status.about;
        let mut spans = vec![Span::styled(" hrload ", self.palette.strong())];
        if about.run.is_empty() {
            return Line::from(spans);
        }
        let devices = count(u64::from(about.devices));
        let text = format!(
            " {}, {devices} devices, {} client -> {}",
            about.profile, about.client, about.target
        );
        let room = usize::from(width).saturating_sub(9);
        spans.push(Span::raw(text.chars().take(room).collect::<String>()));
        Line::from(spans)
    }

    fn gauge(&self, frame: &mut Frame<'_>, area: Rect, keys: &Keys) {
        let status = &self.status;
        let doing = match status.phase {
            Phase::SetUp => "setting up",
            Phase::WarmUp => "warming up",
            Phase::Measure => "measuring",
            Phase::Drain => "draining",
            Phase::Complete => "complete",
        };
        let length = status.length.as_secs_f64();
        let text = if length > 0.0 {
            let (elapsed, length) = (status.elapsed.as_secs(), length.round());
            format!(" {doing} {elapsed} s of {length:.0} s at most")
        } else {
            format!(" {doing}: {}", self.doing)
        };
        let sends = matches!(status.phase, Phase::WarmUp | Phase::Measure);
        let (text, style) = if keys.tempo() == 0.0 && sends {
            (format!("{text}, PAUSED"), self.palette.note())
        } else {
            (text, self.palette.good())
        };
        let share = if length > 0.0 {
            (status.elapsed.as_secs_f64() / length).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let gauge = LineGauge::default()
            .ratio(share)
            .label(text)
            .filled_symbol("━")
            .unfilled_symbol("─")
            .filled_style(style)
            .unfilled_style(self.palette.faint());
        frame.render_widget(gauge, area);
    }

    fn bottom(&self, keys: &Keys) -> Line<'_> {
        if self.ending || keys.ends() > 0 {
            let text = " ending: this phase is cut short, then a short drain; q stops at once";
            return Line::styled(text, self.palette.note());
        }
        match &self.said {
            Some((_, text)) => Line::styled(format!(" {text}"), self.palette.note()),
            None => Line::styled(
                " q stop   space pause   + - rate by a tenth   ? help",
                self.palette.faint(),
            ),
        }
    }

    fn help(&self, frame: &mut Frame<'_>, area: Rect) {
        let text = format!(
            "q, Ctrl-C   end this phase with a short drain;\n\
             {empty}a second time, stop at once\n\
             space       pause: no reading becomes due; go on\n\
             + -         faster, slower, by a tenth of {}\n\
             ?           this help\n\n\
             Changes come into force within {}\n\
             and stand in the result. It is written\n\
             however the run ends.",
            match self.status.asked_per_s {
                0.0 => "the rate".to_owned(),
                rate => format!("{}/s", amount(rate)),
            },
            duration(0.5),
            empty = " ".repeat(12),
        );
        let height = text.lines().count() as u16 + 2;
        let [area] = Layout::horizontal([Constraint::Length(56)])
            .flex(Flex::Center)
            .areas(area);
        let [area] = Layout::vertical([Constraint::Length(height)])
            .flex(Flex::Center)
            .areas(area);
        frame.render_widget(Clear, area);
        let block = Block::bordered().title(" keys ");
        frame.render_widget(Paragraph::new(text).block(block), area);
    }
}
