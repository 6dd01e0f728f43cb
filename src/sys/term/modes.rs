//! Terminal modes, in a form that fits on one line of a pipe.

use std::io;
use std::os::fd::AsFd;

use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, tcgetattr,
    tcsetattr,
};

/// The part of termios(3) that raw mode changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    min: u8,
    time: u8,
}

impl Modes {
    /// The modes in force.
    pub fn of(tty: impl AsFd) -> io::Result<Self> {
        Ok(Self::from(&tcgetattr(tty)?))
    }

    /// Puts these modes in force at once.
    ///
    /// TCSANOW, not TCSADRAIN: the latter waits for a reader that may have stopped reading (tcsetattr(3)).
    pub fn apply(self, tty: impl AsFd) -> io::Result<()> {
        let mut termios = tcgetattr(&tty)?;
        termios.input_modes = InputModes::from_bits_retain(self.input);
        termios.output_modes = OutputModes::from_bits_retain(self.output);
        termios.control_modes = ControlModes::from_bits_retain(self.control);
        termios.local_modes = LocalModes::from_bits_retain(self.local);
        set_code(&mut termios, SpecialCodeIndex::VMIN, self.min);
        set_code(&mut termios, SpecialCodeIndex::VTIME, self.time);
        Ok(tcsetattr(tty, OptionalActions::Now, &termios)?)
    }

    /// The raw modes that belong to these.
    pub fn make_raw(tty: impl AsFd) -> io::Result<()> {
        let mut termios = tcgetattr(&tty)?;
        termios.make_raw();
        Ok(tcsetattr(tty, OptionalActions::Now, &termios)?)
    }

    /// Whether signals and lines are both off, as only raw mode has them; a shell's line editor leaves signals on.
    pub fn is_raw(self) -> bool {
        !LocalModes::from_bits_retain(self.local).intersects(LocalModes::ISIG | LocalModes::ICANON)
    }

    /// One line of numbers.
    pub fn to_line(self) -> String {
        let Self { input, output, control, local, min, time } = self;
        format!("{input} {output} {control} {local} {min} {time}")
    }

    /// What [`Modes::to_line`] wrote.
    pub fn from_line(line: &str) -> Option<Self> {
        let numbers: Option<Vec<u32>> = line.split(' ').map(|word| word.parse().ok()).collect();
        let &[input, output, control, local, min, time] = numbers?.as_slice() else {
            return None;
        };
        Some(Self { input, output, control, local, min: min.try_into().ok()?, time: time.try_into().ok()? })
    }
}

impl From<&Termios> for Modes {
    fn from(termios: &Termios) -> Self {
        Self {
            input: termios.input_modes.bits(),
            output: termios.output_modes.bits(),
            control: termios.control_modes.bits(),
            local: termios.local_modes.bits(),
            min: code(termios, SpecialCodeIndex::VMIN),
            time: code(termios, SpecialCodeIndex::VTIME),
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "the index type holds only valid positions")]
fn code(termios: &Termios, index: SpecialCodeIndex) -> u8 {
    termios.special_codes[index]
}

#[expect(clippy::indexing_slicing, reason = "the index type holds only valid positions")]
fn set_code(termios: &mut Termios, index: SpecialCodeIndex, value: u8) {
    termios.special_codes[index] = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_pipe() {
        let modes = Modes { input: 1, output: 2, control: 3, local: 4, min: 1, time: 0 };
        assert_eq!(Modes::from_line(&modes.to_line()), Some(modes));
        for bad in ["", "1 2 3", "1 2 3 4 5 6 7", "1 2 3 4 999 0", "a b c d e f"] {
            assert_eq!(Modes::from_line(bad), None, "{bad}");
        }
    }
}
