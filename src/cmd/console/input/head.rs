//! What stands at the beginning of the bytes of a terminal: a key, a paste, or what means nothing here.
//!
//! Sources: ECMA-48 5.4 (control sequences), xterm's ctlseqs (keys, bracketed paste).

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What stands there.
pub(super) enum Head {
    /// A key of so many bytes.
    Key(KeyEvent, usize),
    /// So many bytes that mean nothing here.
    Nothing(usize),
    /// A paste begins after so many bytes.
    Paste(usize),
    /// More bytes are needed.
    More,
}

impl Head {
    /// Looks at the beginning; it may lack the end of what begins there.
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] | [0x1b] => Self::More,
            [0x1b, b'[', rest @ ..] => control_sequence(rest),
            [0x1b, b'O', rest @ ..] => single_shift(rest),
            [0x1b, b']' | b'P' | b'X' | b'^' | b'_', rest @ ..] => control_string(rest),
            // Nothing here is pressed with Alt. What begins no sequence is Escape and the next key, typed faster than the link
            // carried them, and Escape must not swallow it.
            [0x1b, ..] => Self::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), 1),
            _ => character(bytes),
        }
    }
}

/// One key without an Escape before it.
pub(super) fn character(bytes: &[u8]) -> Head {
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
