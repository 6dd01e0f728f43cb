//! What signals tell the loop: to end, to stop and go on, that the window has another size.

use std::io;

use super::{End, Watch};
use crate::sys::term::{Event, Signals};
use crate::tui::msg::Msg;

impl Watch {
    /// An end goes before everything else: whoever kills a stopped job wakes it for that.
    pub(super) fn hear_signals(&mut self) -> io::Result<Option<End>> {
        let mut heard = Vec::new();
        while let Some(event) = self.signals.next() {
            match event {
                Event::End(number) => return Ok(Some(End::Signal(number))),
                other => heard.push(other),
            }
        }
        if heard.contains(&Event::Stop) {
            return self.suspend();
        }
        if heard.contains(&Event::Continued) {
            self.screen.enter()?;
            self.resized();
        } else if heard.contains(&Event::Resized) {
            self.screen.refresh()?;
            self.resized();
        }
        Ok(None)
    }

    fn resized(&mut self) {
        let size = self.screen.size();
        self.tell(Msg::Resize { width: size.width, height: size.height });
        self.dirty = true;
    }

    /// Stops as Ctrl-Z does elsewhere, and goes on with the terminal as it was left.
    pub(super) fn suspend(&mut self) -> io::Result<Option<End>> {
        self.screen.leave()?;
        Signals::stop_here()?;
        while let Some(event) = self.signals.next() {
            if let Event::End(number) = event {
                return Ok(Some(End::Signal(number)));
            }
        }
        self.screen.enter()?;
        self.resized();
        Ok(None)
    }
}
