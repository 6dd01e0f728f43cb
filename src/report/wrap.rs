//! Breaking lines at a width in columns, not in bytes or characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Breaks prose at blanks into lines of at most `width` columns; a longer word is cut where the line ends.
///
/// Never returns an empty list, so that a label beside an empty text still gets its line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let needed = columns(word) + usize::from(!line.is_empty());
        if columns(&line) + needed <= width {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut pieces = cut_at_joints(word, width);
        line = pieces.pop().unwrap_or_default();
        lines.append(&mut pieces);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Cuts a long word before a `/` or after a `,` where one stands in the right half of the line, else where the line ends.
fn cut_at_joints(word: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while columns(rest) > width {
        let whole = cut(rest, width).into_iter().next().unwrap_or_default();
        let before_slash = |at: usize| !whole.get(..at).is_some_and(|head| head.ends_with('/'));
        let joints = whole.char_indices().filter_map(|(at, c)| match c {
            '/' if before_slash(at) => Some(at),
            ',' => Some(at + 1),
            _ => None,
        });
        let at = joints.filter(|at| *at > whole.len() / 2).next_back().unwrap_or(whole.len());
        let (piece, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        pieces.push(piece.to_owned());
        rest = tail;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// Cuts a text into pieces of at most `width` columns.
pub fn cut(text: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width.max(1) && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            used = 0;
        }
        piece.push(c);
        used += wide;
    }
    if !piece.is_empty() || pieces.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The text, or as much of its beginning as fits before `mark`.
pub fn shorten(text: &str, width: usize, mark: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(columns(mark));
    let mut kept = cut(text, room).into_iter().next().unwrap_or_default();
    if columns(&kept) > room {
        kept.clear();
    }
    format!("{}{mark}", kept.trim_end())
}

/// The text without its middle where it does not fit: the beginning and the end of a path tell most.
pub fn shorten_middle(text: &str, width: usize, mark: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(columns(mark));
    let head = cut(text, (room / 3).max(1)).into_iter().next().unwrap_or_default();
    let mut tail: Vec<char> = Vec::new();
    let mut used = columns(&head);
    for c in text.chars().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        tail.push(c);
    }
    tail.reverse();
    format!("{head}{mark}{}", tail.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_line_within_the_width() {
        let text = "the quick brown 狐狸狐狸狐狸狐狸 jumps over averyveryverylongwordindeed and rests";
        for width in 1..40 {
            for line in wrap(text, width) {
                assert!(columns(&line) <= width.max(2), "{line:?} is wider than {width}");
            }
        }
    }

    #[test]
    fn loses_nothing() {
        let text = "one  two   three four-and-a-half";
        for width in 1..20 {
            let joined: String = wrap(text, width).concat();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn shortens_a_path_in_its_middle() {
        assert_eq!(shorten_middle("/home/runner/work/repo/target", 20, "…"), "/home/…k/repo/target");
        assert_eq!(shorten_middle("/tmp", 20, "…"), "/tmp");
        assert_eq!(shorten("a long sentence", 8, "…"), "a long…");
    }
}
