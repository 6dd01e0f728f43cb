//! What was typed, on its way to the screen.

use std::io;
use std::time::Duration;

use super::{End, SIGHUP, Watch};
use crate::cmd::console::input::Typed;
use crate::sys::clock::Stopwatch;
use crate::tui;
use crate::tui::msg::{Company, Msg};

/// Pieces of input that are thrown away at once: more than a terminal holds, and an end where somebody types without one.
const FLUSHED: usize = 256;
/// Faster than fingers, slower than a paste that comes in pieces. A key that a terminal repeats comes slower, too.
const TOGETHER: Duration = Duration::from_millis(20);

impl Watch {
    /// Takes what the terminal has.
    pub(super) fn read_keys(&mut self) -> io::Result<Option<End>> {
        let mut buffer = [0; 4096];
        let count = match self.screen.tty().read(&mut buffer) {
            Ok(0) => return Ok(Some(End::Signal(SIGHUP))),
            Ok(count) => count,
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(why) => return Err(why),
        };
        let is_close = self.typed.elapsed() < TOGETHER;
        let typed = self.input.feed(buffer.get(..count).unwrap_or_default());
        let company = if is_close || typed.len() > 1 { Company::Others } else { Company::Alone };
        tui::update(&mut self.app, Msg::Typing(company));
        let end = self.type_all(typed);
        // From here on: what came while these were dealt with came close behind them.
        self.typed = Stopwatch::start();
        end
    }

    /// Tells it to the screen, and does what that asks for.
    pub(super) fn type_all(&mut self, typed: Vec<Typed>) -> io::Result<Option<End>> {
        self.wake();
        if !typed.is_empty() {
            self.feed.iter().for_each(|feed| feed.attend());
        }
        self.flushed = false;
        for one in typed {
            if self.flushed {
                break;
            }
            let msg = match one {
                Typed::Key(event) => Msg::Key(event),
                Typed::Paste(text) => Msg::Paste(text),
            };
            let effects = self.tell(msg);
            for effect in effects {
                if let Some(end) = self.perform(effect)? {
                    return Ok(Some(end));
                }
            }
        }
        Ok(None)
    }

    /// Throws away what was typed, pasted or answered until now. Through the parser, not by tcflush(3): half of a paste or of
    /// a sequence would be gone, and the rest of it would press keys.
    pub(super) fn flush_input(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        for _ in 0..FLUSHED {
            match self.screen.tty().read(&mut buffer) {
                // The next wait hears of a terminal that went away.
                Ok(0) => break,
                Ok(count) => drop(self.input.feed(buffer.get(..count).unwrap_or_default())),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break,
                Err(why) => return Err(why),
            }
        }
        self.flushed = true;
        Ok(())
    }
}
