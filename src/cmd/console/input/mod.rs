//! What was typed: bytes of a terminal in, keys and pastes out.
//!
//! Own, not crossterm's, because that one opens descriptors of its own, waits for itself, and takes some answers of the
//! terminal for keys. A name on the screen that makes a terminal answer must never press a key: whatever is no key
//! is dropped whole. [`head`] knows what bytes stand for.

mod head;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use head::{Head, character};

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
    /// The last key was a carriage return: a line feed or a NUL behind it is the rest of the same key on serial lines and
    /// over telnet. Source: RFC 854, the NVT printer and keyboard.
    after_return: bool,
}

/// What came of the bytes at hand.
enum Step {
    Typed(Typed),
    Dropped,
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
        let Some(&first) = self.bytes.first() else { return Step::More };
        if std::mem::replace(&mut self.after_return, first == b'\r') && matches!(first, b'\n' | 0) {
            self.drop_front(1);
            return Step::Dropped;
        }
        match Head::of(&self.bytes) {
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
    fn enter_is_one_key_whatever_a_line_sends_for_it() {
        for bytes in [&b"\r"[..], b"\n", b"\r\n", b"\r\0"] {
            assert_eq!(typed(bytes), [plain(KeyCode::Enter)], "{bytes:?}");
            let mut input = Input::default();
            let apart: Vec<Typed> = bytes.chunks(1).flat_map(|byte| input.feed(byte)).collect();
            assert_eq!(apart, [plain(KeyCode::Enter)], "{bytes:?}, a byte at a time");
        }
        assert_eq!(typed(b"\r\r\n\n"), vec![plain(KeyCode::Enter); 3]);
        assert_eq!(typed(b"\ra\n").len(), 3);
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
