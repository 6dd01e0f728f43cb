//! What was typed: bytes of a terminal in, keys and pastes out.
//!
//! Own, not crossterm's, because that one opens descriptors of its own, waits for itself, and takes some answers of the
//! terminal for keys. A name on the screen that makes a terminal answer must never press a key: whatever is no key
//! is dropped whole. Sources: ECMA-48 5.4 (control sequences), xterm's ctlseqs (keys, bracketed paste).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// More than anybody pastes into a filter; the rest of a longer paste is dropped.
const MAX_PASTE: usize = 64 << 10;
/// More than any answer of a terminal; a longer control string is dropped so far and goes on being dropped.
const MAX_STRING: usize = 64 << 10;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// One thing that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(KeyEvent),
    /// A paste, as text.
    Paste(String),
}

/// Bytes that are not yet a whole key.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    pasting: bool,
}

/// What came of the bytes at hand.
enum Step {
    Typed(Typed),
    Dropped,
    More,
}

/// What stands at the beginning of the bytes.
enum Head {
    /// A key of so many bytes.
    Key(KeyEvent, usize),
    /// So many bytes that mean nothing here.
    Nothing(usize),
    /// A paste begins after so many bytes.
    Paste(usize),
    /// More bytes are needed.
    More,
}

impl Input {
    /// Takes bytes as they came and gives what they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Typed> {
        self.bytes.extend_from_slice(bytes);
        let mut typed = Vec::new();
        loop {
            let step = if self.pasting { self.paste() } else { self.key() };
            match step {
                Step::Typed(one) => typed.push(one),
                Step::Dropped => {}
                Step::More => return typed,
            }
        }
    }

    /// Whether bytes wait that may be a whole key after all: an Escape is also how sequences begin.
    pub fn is_waiting(&self) -> bool {
        !self.bytes.is_empty() && !self.pasting
    }

    /// No more bytes came in time: an Escape was the key, and what only looked like the beginning of a sequence the next.
    pub fn give_up_waiting(&mut self) -> Vec<Typed> {
        let bytes = std::mem::take(&mut self.bytes);
        let escape = key(KeyCode::Esc, KeyModifiers::NONE);
        match bytes.as_slice() {
            [0x1b] => vec![escape],
            [0x1b, next] => match character(&[*next]) {
                Head::Key(event, _) => vec![escape, Typed::Key(event)],
                _ => vec![escape],
            },
            _ => Vec::new(),
        }
    }

    fn key(&mut self) -> Step {
        match head(&self.bytes) {
            Head::More => {
                if self.bytes.len() > MAX_STRING {
                    // Keep the introducer, so that the rest of the string is still known as such.
                    self.bytes.truncate(2);
                }
                Step::More
            }
            Head::Key(event, length) => {
                self.drop_front(length);
                Step::Typed(Typed::Key(event))
            }
            Head::Nothing(length) => {
                self.drop_front(length);
                Step::Dropped
            }
            Head::Paste(length) => {
                self.drop_front(length);
                self.pasting = true;
                Step::Dropped
            }
        }
    }

    fn paste(&mut self) -> Step {
        let found = self.bytes.windows(PASTE_ENDS.len()).position(|window| window == PASTE_ENDS);
        let Some(end) = found else {
            if self.bytes.len() > 2 * MAX_PASTE {
                // The end mark may stand astride, so its length is kept.
                let kept = self.bytes.len() - PASTE_ENDS.len();
                self.bytes.drain(MAX_PASTE..kept);
            }
            return Step::More;
        };
        let text = self.bytes.get(..end.min(MAX_PASTE)).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        self.drop_front(end + PASTE_ENDS.len());
        self.pasting = false;
        Step::Typed(Typed::Paste(text))
    }

    fn drop_front(&mut self, length: usize) {
        self.bytes.drain(..length.min(self.bytes.len()));
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Typed {
    Typed::Key(KeyEvent::new(code, modifiers))
}

fn head(bytes: &[u8]) -> Head {
    match bytes {
        [] | [0x1b] => Head::More,
        [0x1b, b'[', rest @ ..] => control_sequence(rest),
        [0x1b, b'O', rest @ ..] => single_shift(rest),
        [0x1b, b']' | b'P' | b'X' | b'^' | b'_', rest @ ..] => control_string(rest),
        // Nothing here is pressed with Alt. What begins no sequence is Escape and the next key, typed faster than the link
        // carried them, and Escape must not swallow it.
        [0x1b, ..] => Head::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), 1),
        _ => character(bytes),
    }
}

/// One key without an Escape before it.
fn character(bytes: &[u8]) -> Head {
    let Some(&first) = bytes.first() else { return Head::More };
    let plain = |code| Head::Key(KeyEvent::new(code, KeyModifiers::NONE), 1);
    let control = |c: u8| Head::Key(KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL), 1);
    match first {
        b'\r' | b'\n' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f | 0x08 => plain(KeyCode::Backspace),
        0x00 => control(b' '),
        0x01..=0x1a => control(first - 1 + b'a'),
        0x1b => plain(KeyCode::Esc),
        0x1c..=0x1f => control(first - 0x1c + b'4'),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Head {
    let length = match bytes.first() {
        Some(0x00..=0x7f) => 1,
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return Head::Nothing(1),
    };
    let Some(whole) = bytes.get(..length) else { return Head::More };
    let c = std::str::from_utf8(whole).ok().and_then(|text| text.chars().next());
    // C1 controls, which are no keys, have a form in UTF-8.
    let Some(c) = c.filter(|c| !c.is_control()) else { return Head::Nothing(1) };
    let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    Head::Key(KeyEvent::new(KeyCode::Char(c), modifiers), length)
}

/// After `ESC [`: parameters, intermediates, a final byte.
fn control_sequence(rest: &[u8]) -> Head {
    // The keys F1 to F5 of the Linux console.
    if let [b'[', function, ..] = rest {
        let number = function.wrapping_sub(b'A');
        let known = number < 5;
        return if known { pressed(KeyCode::F(number + 1), "", 4) } else { Head::Nothing(4) };
    }
    let Some(end) = rest.iter().position(|b| !(0x20..=0x3f).contains(b)) else { return Head::More };
    let (parameters, tail) = rest.split_at(end);
    let length = 2 + end + 1;
    let Some(&last) = tail.first() else { return Head::More };
    if !(0x40..=0x7e).contains(&last) {
        // Broken off by a control character or another Escape, which is read on its own.
        return Head::Nothing(length - 1);
    }
    let Ok(parameters) = std::str::from_utf8(parameters) else { return Head::Nothing(length) };
    match last {
        // A click in the oldest form carries three bytes more.
        b'M' if parameters.is_empty() => {
            if rest.len() < 4 {
                Head::More
            } else {
                Head::Nothing(length + 3)
            }
        }
        b'~' if parameters == "200" => Head::Paste(length),
        b'~' => tilde(parameters, length),
        _ => letter(last, parameters, length),
    }
}

fn letter(last: u8, parameters: &str, length: usize) -> Head {
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'S' => KeyCode::F(4),
        b'Z' => KeyCode::BackTab,
        // Not F3 (`R`): the answer to "where is the cursor" looks the same.
        _ => return Head::Nothing(length),
    };
    pressed(code, parameters, length)
}

fn tilde(parameters: &str, length: usize) -> Head {
    let number: u8 = parameters.split(';').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let code = match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23 | 24 => KeyCode::F(number - 12),
        _ => return Head::Nothing(length),
    };
    pressed(code, parameters, length)
}

/// A key with the modifiers that its second parameter names, as xterm sends them: 1 + a bit set.
fn pressed(code: KeyCode, parameters: &str, length: usize) -> Head {
    let mut modifiers = KeyModifiers::NONE;
    if !parameters.bytes().all(|b| b.is_ascii_digit() || b == b';') {
        return Head::Nothing(length);
    }
    let bits: u8 = parameters.split(';').nth(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    let bits = bits.saturating_sub(1);
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        if bits & bit != 0 {
            modifiers |= modifier;
        }
    }
    if code == KeyCode::BackTab {
        modifiers |= KeyModifiers::SHIFT;
    }
    Head::Key(KeyEvent::new(code, modifiers), length)
}

/// After `ESC O`: keys of the application mode.
fn single_shift(rest: &[u8]) -> Head {
    let Some(&last) = rest.first() else { return Head::More };
    match last {
        b'M' => pressed(KeyCode::Enter, "", 3),
        b'R' => pressed(KeyCode::F(3), "", 3),
        _ => letter(last, "", 3),
    }
}

/// After `ESC ]` and its kin: everything up to BEL or `ESC \`.
fn control_string(rest: &[u8]) -> Head {
    for (position, byte) in rest.iter().enumerate() {
        match (byte, rest.get(position + 1)) {
            (0x07, _) => return Head::Nothing(2 + position + 1),
            (0x1b, Some(b'\\')) => return Head::Nothing(2 + position + 2),
            _ => {}
        }
    }
    Head::More
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> Vec<Typed> {
        Input::default().feed(bytes)
    }

    fn plain(code: KeyCode) -> Typed {
        key(code, KeyModifiers::NONE)
    }

    #[test]
    fn reads_the_keys_of_common_terminals() {
        for (bytes, code) in [
            (&b"a"[..], KeyCode::Char('a')),
            ("é".as_bytes(), KeyCode::Char('é')),
            (b"\r", KeyCode::Enter),
            (b"\n", KeyCode::Enter),
            (b"\t", KeyCode::Tab),
            (b"\x7f", KeyCode::Backspace),
            (b"\x1b[A", KeyCode::Up),
            (b"\x1bOB", KeyCode::Down),
            (b"\x1b[5~", KeyCode::PageUp),
            (b"\x1b[1~", KeyCode::Home),
            (b"\x1b[F", KeyCode::End),
            (b"\x1bOP", KeyCode::F(1)),
            (b"\x1b[[A", KeyCode::F(1)),
            (b"\x1b[15~", KeyCode::F(5)),
            (b"\x1b[24~", KeyCode::F(12)),
        ] {
            assert_eq!(typed(bytes), [plain(code)], "{bytes:?}");
        }
        assert_eq!(typed(b"\x03"), [key(KeyCode::Char('c'), KeyModifiers::CONTROL)]);
        assert_eq!(typed(b"\x1b[1;5C"), [key(KeyCode::Right, KeyModifiers::CONTROL)]);
        assert_eq!(typed(b"\x1b[Z"), [key(KeyCode::BackTab, KeyModifiers::SHIFT)]);
        assert_eq!(typed(b"Q"), [key(KeyCode::Char('Q'), KeyModifiers::SHIFT)]);
    }

    #[test]
    fn takes_no_answer_of_a_terminal_for_a_key() {
        for answer in [
            &b"\x1b[24;80R"[..],
            b"\x1b[?62;22c",
            b"\x1b[?0u",
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            b"\x1b]11;rgb:0000/0000/0000\x07",
            b"\x1bP1$r0m\x1b\\",
            b"\x1b[M !!",
            b"\x1b[<0;10;10M",
            b"\x1b[I",
            b"\xff\xfe",
            b"\xc2\x9b",
        ] {
            assert_eq!(typed(answer), [], "{answer:?}");
        }
    }

    #[test]
    fn reads_the_same_whatever_the_pieces() {
        let bytes = b"a\x1b[A\x1b[200~paste q\x1b[201~\x1b]0;q\x07\xc3\xa9\x1bOPz";
        let whole = typed(bytes);
        assert_eq!(whole.len(), 6);
        let mut input = Input::default();
        let apart: Vec<Typed> = bytes.chunks(1).flat_map(|byte| input.feed(byte)).collect();
        assert_eq!(apart, whole);
    }

    #[test]
    fn knows_an_escape_by_what_does_not_follow() {
        let mut input = Input::default();
        assert_eq!(input.feed(b"\x1b"), []);
        assert!(input.is_waiting());
        assert_eq!(input.give_up_waiting(), [plain(KeyCode::Esc)]);
        assert_eq!(typed(b"\x1b\x1b[A"), [plain(KeyCode::Esc), plain(KeyCode::Up)]);
    }

    #[test]
    fn an_escape_does_not_swallow_the_key_typed_right_after_it() {
        for (bytes, next) in [
            (&b"\x1bx"[..], KeyCode::Char('x')),
            ("\x1bé".as_bytes(), KeyCode::Char('é')),
            (b"\x1b\r", KeyCode::Enter),
            (b"\x1b\t", KeyCode::Tab),
            (b"\x1b1", KeyCode::Char('1')),
        ] {
            assert_eq!(typed(bytes), [plain(KeyCode::Esc), plain(next)], "{bytes:?}");
        }
        // `[` is a key of the Entries tab and also how most sequences begin: only what does not follow tells.
        let mut input = Input::default();
        assert_eq!(input.feed(b"\x1b["), []);
        assert_eq!(input.give_up_waiting(), [plain(KeyCode::Esc), plain(KeyCode::Char('['))]);
        assert_eq!(input.feed(b"\x1b[A\x1bOB"), [plain(KeyCode::Up), plain(KeyCode::Down)]);
    }

    #[test]
    fn presses_no_key_from_a_paste_and_keeps_it_short() {
        let mut long = b"\x1b[200~".to_vec();
        long.extend(std::iter::repeat_n(b'q', 5 * MAX_PASTE));
        let mut input = Input::default();
        assert_eq!(input.feed(&long), []);
        assert!(input.bytes.len() <= 3 * MAX_PASTE, "a paste without end takes no memory without end");
        let rest = input.feed(b"\x1b[201~x");
        assert!(matches!(&rest[..], [Typed::Paste(text), _] if text.len() <= MAX_PASTE), "{}", rest.len());
    }
}
