//! Colours and glyphs: one accent, the severity colours only on what is severe, dim for context.
//!
//! Meaning never rests on colour alone, so a terminal without colours loses nothing: there, bold, reverse and underline
//! carry the emphasis. A tone is what a text means; only this file knows how that looks.

use ratatui::style::{Color, Modifier, Style};

use super::glyphs::{ASCII, GlyphSet, UNICODE};
use crate::model::finding::{Severity, Status};

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None (`NO_COLOR`): bold, reverse and underline only.
    #[default]
    Mono,
    /// The sixteen of the terminal's own palette.
    Sixteen,
    /// 256.
    Indexed,
    /// 24 bits.
    True,
}

/// What lies behind the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Dark.
    #[default]
    Dark,
    /// Light.
    Light,
}

/// Which glyphs the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing, arrows, block elements.
    #[default]
    Unicode,
    /// Seven bits.
    Ascii,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Plain text.
    #[default]
    Plain,
    /// Context.
    Dim,
    /// What the eye should find first.
    Strong,
    /// A heading.
    Title,
    /// What the console itself points at: keys, the current tab, what changed.
    Accent,
    /// Something fails now.
    Critical,
    /// It might.
    Warning,
    /// It works.
    Ok,
    /// One that differs from its siblings.
    Odd,
}

/// How everything looks.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    depth: Depth,
    background: Background,
    /// The glyphs.
    pub glyphs: &'static GlyphSet,
}

impl Theme {
    /// The theme for a terminal of that kind.
    pub fn new(depth: Depth, background: Background, glyphs: Glyphs) -> Self {
        let glyphs = match glyphs {
            Glyphs::Unicode => &UNICODE,
            Glyphs::Ascii => &ASCII,
        };
        Self { depth, background, glyphs }
    }

    /// Whether only ASCII may be drawn.
    pub fn is_ascii(&self) -> bool {
        std::ptr::eq(self.glyphs, &raw const ASCII)
    }

    /// How a text of that meaning looks.
    pub fn style(&self, tone: Tone) -> Style {
        let plain = Style::new();
        if self.depth == Depth::Mono {
            return match tone {
                Tone::Plain | Tone::Dim | Tone::Ok => plain,
                Tone::Strong | Tone::Title | Tone::Accent | Tone::Critical | Tone::Warning => {
                    plain.add_modifier(Modifier::BOLD)
                }
                Tone::Odd => plain.add_modifier(Modifier::REVERSED),
            };
        }
        match tone {
            Tone::Plain => plain,
            Tone::Strong | Tone::Title => plain.add_modifier(Modifier::BOLD),
            Tone::Odd => plain.fg(self.colour(Tone::Warning)).add_modifier(Modifier::BOLD),
            Tone::Accent | Tone::Critical => plain.fg(self.colour(tone)).add_modifier(Modifier::BOLD),
            Tone::Dim | Tone::Warning | Tone::Ok => plain.fg(self.colour(tone)),
        }
    }

    /// The row that the keys act on.
    pub fn selected(&self) -> Style {
        match self.depth {
            Depth::Mono => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new().bg(self.selection()),
        }
    }

    /// The current tab.
    pub fn current_tab(&self) -> Style {
        match self.depth {
            Depth::Mono => Style::new().add_modifier(Modifier::REVERSED),
            _ => self.style(Tone::Accent).add_modifier(Modifier::UNDERLINED),
        }
    }

    /// What lies behind a sheet: still there, out of the way.
    pub fn behind(&self) -> Style {
        match self.depth {
            Depth::Mono => Style::new(),
            _ => Style::new().fg(self.colour(Tone::Dim)).bg(Color::Reset).remove_modifier(Modifier::all()),
        }
    }

    /// The frame of a pane, the one that the keys scroll, and others.
    pub fn border(&self, focus: Focus) -> Style {
        match focus {
            Focus::Here if self.depth == Depth::Mono => Style::new().add_modifier(Modifier::BOLD),
            Focus::Here => Style { add_modifier: Modifier::empty(), ..self.style(Tone::Accent) },
            Focus::Elsewhere => self.style(Tone::Dim),
        }
    }

    /// Symbol and tone of a verdict.
    pub fn verdict(&self, status: Status) -> (&'static str, Tone) {
        match status {
            Status::Ok => (self.glyphs.ok, Tone::Ok),
            Status::Warning => (self.glyphs.warning, Tone::Warning),
            Status::Critical => (self.glyphs.critical, Tone::Critical),
            Status::Unknown => (self.glyphs.unknown, Tone::Warning),
        }
    }

    /// Symbol and tone of a finding.
    pub fn severity(&self, severity: Severity) -> (&'static str, Tone) {
        match severity {
            Severity::Info => (self.glyphs.info, Tone::Dim),
            Severity::Warning => (self.glyphs.warning, Tone::Warning),
            Severity::Critical => (self.glyphs.critical, Tone::Critical),
        }
    }

    #[rustfmt::skip]
    fn colour(&self, tone: Tone) -> Color {
        use Background::{Dark, Light};
        let (sixteen, indexed, rgb) = match (self.background, tone) {
            (Dark,  Tone::Accent)   => (Color::Cyan,     110, (0x7a, 0xb8, 0xd9)),
            (Dark,  Tone::Critical) => (Color::LightRed, 203, (0xff, 0x6b, 0x68)),
            (Dark,  Tone::Warning)  => (Color::Yellow,   179, (0xe0, 0xb4, 0x5c)),
            (Dark,  Tone::Ok)       => (Color::Green,    108, (0x86, 0xb8, 0x8a)),
            (Dark,  _)              => (Color::DarkGray, 245, (0x8a, 0x90, 0x99)),
            (Light, Tone::Accent)   => (Color::Blue,      25, (0x0b, 0x5c, 0xa8)),
            (Light, Tone::Critical) => (Color::Red,      124, (0xb4, 0x1e, 0x1e)),
            (Light, Tone::Warning)  => (Color::Magenta,   94, (0x8a, 0x58, 0x00)),
            (Light, Tone::Ok)       => (Color::Green,     28, (0x1c, 0x73, 0x3a)),
            (Light, _)              => (Color::DarkGray, 242, (0x66, 0x6c, 0x75)),
        };
        match self.depth {
            Depth::Mono => Color::Reset,
            Depth::Sixteen => sixteen,
            Depth::Indexed => Color::Indexed(indexed),
            Depth::True => Color::Rgb(rgb.0, rgb.1, rgb.2),
        }
    }

    fn selection(&self) -> Color {
        match (self.depth, self.background) {
            (Depth::True, Background::Dark) => Color::Rgb(0x2b, 0x33, 0x3f),
            (Depth::True, Background::Light) => Color::Rgb(0xdc, 0xe6, 0xf2),
            (Depth::Indexed, Background::Dark) => Color::Indexed(237),
            (Depth::Indexed, Background::Light) => Color::Indexed(254),
            (_, Background::Dark) => Color::Blue,
            (_, Background::Light) => Color::Gray,
        }
    }
}

/// Whether a pane has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// It has.
    Here,
    /// Another one has.
    Elsewhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TONES: [Tone; 9] = [
        Tone::Plain,
        Tone::Dim,
        Tone::Strong,
        Tone::Title,
        Tone::Accent,
        Tone::Critical,
        Tone::Warning,
        Tone::Ok,
        Tone::Odd,
    ];

    #[test]
    fn a_terminal_without_colours_gets_none() {
        let theme = Theme::new(Depth::Mono, Background::Light, Glyphs::Unicode);
        let styles = TONES.iter().map(|t| theme.style(*t)).chain([theme.selected(), theme.current_tab()]);
        for style in styles {
            assert_eq!((style.fg, style.bg), (None, None));
            let allowed = Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED;
            assert!(allowed.contains(style.add_modifier));
        }
    }

    #[test]
    fn each_depth_keeps_to_its_own_colours() {
        for background in [Background::Dark, Background::Light] {
            for tone in TONES {
                let of = |depth| Theme::new(depth, background, Glyphs::Unicode).style(tone).fg;
                assert!(!matches!(of(Depth::Sixteen), Some(Color::Rgb(..) | Color::Indexed(_))));
                assert!(!matches!(of(Depth::Indexed), Some(Color::Rgb(..))));
                assert_eq!(of(Depth::Sixteen).is_some(), of(Depth::True).is_some());
            }
        }
    }

    #[test]
    fn a_critical_thing_has_a_colour_of_its_own() {
        for depth in [Depth::Sixteen, Depth::Indexed, Depth::True] {
            for background in [Background::Dark, Background::Light] {
                let theme = Theme::new(depth, background, Glyphs::Unicode);
                let others = TONES.iter().filter(|t| **t != Tone::Critical);
                assert!(others.clone().all(|t| theme.style(*t).fg != theme.style(Tone::Critical).fg));
            }
        }
    }
}
