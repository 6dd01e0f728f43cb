//! Text that has to fit: widths as terminals count them, cuts that say so, lines that wrap.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::raw_path::{is_control, is_invisible, shown_bytes};

/// The text with everything escaped that could drive a terminal or reorder what stands beside it.
///
/// Texts of the machine were escaped where they came in; this is for those that arrive as plain strings (units, users,
/// options), and changes nothing twice.
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| is_control(c) || is_invisible(c)) {
        return Cow::Owned(shown_bytes(text.as_bytes()));
    }
    Cow::Borrowed(text)
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A number of columns as the terminal counts them.
pub fn columns(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// The text, its end replaced by `ellipsis` where it has no room.
pub fn cut_end(text: &str, room: usize, ellipsis: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let dots = width(ellipsis);
    if room <= dots {
        return take_front(ellipsis, room).to_owned();
    }
    format!("{}{ellipsis}", take_front(text, room - dots).trim_end())
}

/// The text, its middle replaced by `ellipsis` where it has no room: the end of a path tells most.
pub fn cut_middle(text: &str, room: usize, ellipsis: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let dots = width(ellipsis);
    if room <= dots {
        return take_back(text, room).to_owned();
    }
    let left = room - dots;
    let front = left / 3;
    format!("{}{ellipsis}{}", take_front(text, front), take_back(text, left - front))
}

/// Lines of at most `room` columns, broken at blanks where there are any, inside words where there are none.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut started = false;
    for word in text.split(' ') {
        if started && width(&line) + 1 + width(word) > room {
            // A dot stands between two things; at the end of a line there is nothing behind it.
            line.truncate(line.trim_end_matches(" ·").len());
            lines.push(std::mem::take(&mut line));
            started = false;
        }
        if started {
            line.push(' ');
        }
        let mut rest = word;
        while width(&line) + width(rest) > room && !rest.is_empty() {
            let (head, tail) = split(rest, room.saturating_sub(width(&line)));
            line.push_str(head);
            lines.push(std::mem::take(&mut line));
            rest = tail;
        }
        line.push_str(rest);
        started = true;
    }
    lines.push(line);
    lines
}

/// Lines of at most `room` columns, broken wherever they are full: nothing of a quoted text moves.
pub fn fill(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while width(rest) > room.max(1) {
        let (head, tail) = split(rest, room.max(1));
        lines.push(head.to_owned());
        rest = tail;
    }
    lines.push(rest.to_owned());
    lines
}

/// What fits into `room` columns, and the rest; at least one character, so that a loop over the rest ends.
pub fn split(text: &str, room: usize) -> (&str, &str) {
    let head = take_front(text, room);
    let at = if head.is_empty() { text.chars().next().map_or(0, char::len_utf8) } else { head.len() };
    text.split_at_checked(at).unwrap_or((text, ""))
}

fn take_front(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut end = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        end += c.len_utf8();
    }
    text.get(..end).unwrap_or_default()
}

fn take_back(text: &str, room: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for c in text.chars().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        start -= c.len_utf8();
    }
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_path_keeps_its_end() {
        let path = "/var/lib/docker/overlay2/3f2a91/merged/workspace/target";
        let cut = cut_middle(path, 24, "…");
        assert_eq!(width(&cut), 24);
        assert!(cut.ends_with("workspace/target") && cut.starts_with("/var"), "{cut}");
        assert_eq!(cut_middle("/tmp", 24, "…"), "/tmp");
    }

    #[test]
    fn a_sentence_keeps_its_start() {
        assert_eq!(cut_end("nothing can be created", 12, "…"), "nothing can…");
        assert_eq!(cut_end("nothing can be created", 12, "..."), "nothing c...");
        assert_eq!(cut_end("nothing", 2, "..."), "..");
    }

    #[test]
    fn wraps_at_blanks_and_breaks_what_has_none() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("one · two", 5), ["one", "two"]);
        assert_eq!(wrap("one · two", 9), ["one · two"]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut_end("日本語", 5, "…"), "日本…");
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    }

    proptest! {
        #[test]
        fn nothing_is_ever_wider_than_its_room(text in "[ -~日本éß]{0,60}", room in 0_usize..40) {
            prop_assert!(width(&cut_end(&text, room, "…")) <= room);
            prop_assert!(width(&cut_middle(&text, room, "...")) <= room);
            // One wide character does not fit into one column; it is drawn cut, never lost in an endless loop.
            prop_assert!(wrap(&text, room).iter().all(|l| width(l) <= room.max(2)));
        }

        #[test]
        fn wrapping_loses_nothing_but_blanks(text in "[a-z 日]{0,80}", room in 1_usize..30) {
            let whole: String = text.chars().filter(|c| *c != ' ').collect();
            let wrapped: String = wrap(&text, room).concat().chars().filter(|c| *c != ' ').collect();
            prop_assert_eq!(whole, wrapped);
        }
    }
}
