//! Breaking shell commands so that pasting the lines gives the same command.
//!
//! A line ends in a backslash where the command goes on. Between words that is all; inside a long word the next line
//! starts at the margin, because a blank there would end the word.

use super::wrap::columns;

/// Where in the shell's grammar a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Bare,
    Single,
    Double,
    Dollar,
}

/// One word of a command with its quotes, as text and as the pieces between which it may be broken.
struct Word {
    pieces: Vec<(String, State)>,
}

impl Word {
    fn width(&self) -> usize {
        self.pieces.iter().map(|(piece, _)| columns(piece)).sum()
    }

    fn text(&self) -> String {
        self.pieces.iter().map(|(piece, _)| piece.as_str()).collect()
    }

    /// Substitutions and here-documents have a grammar of their own; such a word stays whole.
    fn is_breakable(&self) -> bool {
        let text = self.text();
        !text.contains("$(") && !text.contains('`') && !text.contains("<<")
    }
}

/// Breaks a command into lines of at most `width` columns where the shell's grammar lets it.
///
/// `margin` is the number of columns that the caller puts before each line but the ones that continue a word.
pub fn lines(command: &str, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut margin = Margin::Indented;
    for word in words(command) {
        let gap = usize::from(!line.is_empty());
        if columns(&line) + gap + word.width() + 2 <= width || line.is_empty() && word.width() + 2 <= width {
            if gap > 0 {
                line.push(' ');
            }
            line.push_str(&word.text());
            continue;
        }
        if !line.is_empty() {
            line.push_str(" \\");
            lines.push(Line { text: std::mem::take(&mut line), margin });
            margin = Margin::Indented;
        }
        if word.width() + 2 <= width || !word.is_breakable() {
            line = word.text();
            continue;
        }
        let mut broken = break_word(&word, width);
        line = broken.pop().unwrap_or_default();
        for piece in broken {
            lines.push(Line { text: piece, margin });
            margin = Margin::None;
        }
    }
    lines.push(Line { text: line, margin });
    lines
}

/// One line of a broken command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What stands in it, the backslash included.
    pub text: String,
    /// Whether it may be indented.
    pub margin: Margin,
}

/// Whether a line may be indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// Blanks before it do not matter.
    Indented,
    /// It goes on in the middle of a word.
    None,
}

fn break_word(word: &Word, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (piece, state) in &word.pieces {
        // Room for the closing quote and the backslash.
        if columns(&line) + columns(piece) + 2 > width && columns(&line) > 2 {
            let (close, open) = match state {
                State::Single => ("'", "'"),
                State::Dollar => ("'", "$'"),
                State::Bare | State::Double => ("", ""),
            };
            line.push_str(close);
            line.push('\\');
            lines.push(std::mem::take(&mut line));
            line.push_str(open);
        }
        line.push_str(piece);
    }
    lines.push(line);
    lines
}

/// Splits at blanks outside quotes. The state of a piece is the one before it, in which a break would fall.
fn words(command: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = Word { pieces: Vec::new() };
    let mut state = State::Bare;
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ' ' && state == State::Bare {
            if !word.pieces.is_empty() {
                words.push(std::mem::replace(&mut word, Word { pieces: Vec::new() }));
            }
            continue;
        }
        let before = state;
        let mut piece = String::from(c);
        match (state, c) {
            (State::Bare | State::Double | State::Dollar, '\\') => piece.push_str(&escape(&mut chars, state)),
            (State::Bare, '$') if chars.peek() == Some(&'\'') => {
                piece.extend(chars.next());
                state = State::Dollar;
            }
            (State::Bare, '\'') => state = State::Single,
            (State::Bare, '"') => state = State::Double,
            (State::Single | State::Dollar, '\'') | (State::Double, '"') => state = State::Bare,
            _ => {}
        }
        // A closing quote belongs to what it closes: a break before it would leave an empty quote, which is harmless
        // but odd, so it joins the piece before it.
        match word.pieces.last_mut() {
            Some((last, _)) if before != State::Bare && state == State::Bare => last.push_str(&piece),
            _ => word.pieces.push((piece, before)),
        }
    }
    if !word.pieces.is_empty() {
        words.push(word);
    }
    words
}

/// What belongs to a backslash: one character, and in `$'…'` the digits after `x`.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, state: State) -> String {
    let mut out: String = chars.next().into_iter().collect();
    if state == State::Dollar && out == "x" {
        for _ in 0..2 {
            if let Some(digit) = chars.next_if(char::is_ascii_hexdigit) {
                out.push(digit);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of the lines: backslash-newline vanishes, blanks at a margin separate words.
    fn pasted(lines: &[Line]) -> String {
        let texts = lines.iter().map(|line| match line.margin {
            Margin::Indented => format!("    {}", line.text),
            Margin::None => line.text.clone(),
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    const COMMANDS: [&str; 6] = [
        "awk '$1 == 209' /proc/4514/mountinfo",
        "stat -L -c 'links %h' /proc/4514/root/a/very/long/path/that/does/not/fit/into/one/line/of/the/report/at/all",
        "stat $'/proc/1/root/tmp/\\x1b[2J\\xff\\'quoted\\' and so on and on and on and on and on and on\\x0a'",
        "printf '%s\\n' 'one very long single quoted word with blanks in it that must be broken somewhere in the middle'",
        "printf '%s\\n' \"a double quoted word that is long enough to be broken and holds an escaped \\\" quote\"",
        "ls -la /tmp | wc -l && echo done; grep -c x /proc/self/mountinfo || true",
    ];

    #[test]
    fn keeps_every_line_within_the_width() {
        for command in COMMANDS {
            for width in [30, 40, 72] {
                for line in lines(command, width) {
                    assert!(columns(&line.text) <= width, "{:?} is wider than {width}", line.text);
                }
            }
        }
    }

    #[test]
    fn means_the_same_to_a_shell() {
        for command in COMMANDS {
            for width in [20, 33, 72] {
                let text = pasted(&lines(command, width));
                assert_eq!(syntax(&text), syntax(command), "broken at {width}: {text}");
            }
        }
    }

    #[test]
    fn leaves_a_substitution_whole() {
        let command = "mount --bind \"$(mktemp -d /some/rather/long/template/of/a/directory.XXXXXX)\" /tmp";
        let broken = lines(command, 30);
        assert!(
            broken
                .iter()
                .any(|l| l.text.contains("$(mktemp -d /some/rather/long/template/of/a/directory.XXXXXX)"))
        );
    }

    /// The words of a command with quotes resolved, as a shell would see them.
    fn syntax(command: &str) -> Vec<String> {
        let command = command.replace("\\\n", "");
        words(&command).iter().map(|word| unquoted(&word.text())).collect()
    }

    fn unquoted(word: &str) -> String {
        let mut out = String::new();
        let mut state = State::Bare;
        let mut chars = word.chars().peekable();
        while let Some(c) = chars.next() {
            match (state, c) {
                (State::Bare, '$') if chars.peek() == Some(&'\'') => {
                    chars.next();
                    state = State::Dollar;
                }
                (State::Bare, '\'') => state = State::Single,
                (State::Bare, '"') => state = State::Double,
                (State::Single | State::Dollar, '\'') | (State::Double, '"') => state = State::Bare,
                (State::Single, '\\') => out.push('\\'),
                (_, '\\') => out.push_str(&escape(&mut chars, state)),
                (_, c) => out.push(c),
            }
        }
        out
    }
}
