//! Lines of a log of any size, cut at a cap, in constant memory.

use std::io::{BufRead, ErrorKind};

/// No tool prints a longer line about one failure; what is beyond is read and thrown away.
const MAX_LINE: usize = 64 << 10;

/// Hands each line with its number, from 1, to `take`, without its newline. A read error ends the log.
pub(super) fn for_each(mut input: impl BufRead, mut take: impl FnMut(u64, &[u8])) {
    let mut line = Vec::new();
    let mut number = 0;
    while let Some(ended) = chunk(&mut input, &mut line) {
        if ended {
            number += 1;
            take(number, &line);
            line.clear();
        }
    }
    if !line.is_empty() {
        take(number + 1, &line);
    }
}

/// Appends what is at hand, up to the end of the line; says whether that was reached. `None` at the end of the log.
fn chunk(input: &mut impl BufRead, line: &mut Vec<u8>) -> Option<bool> {
    let buffer = loop {
        match input.fill_buf() {
            Ok(buffer) => break buffer,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    };
    if buffer.is_empty() {
        return None;
    }
    let end = buffer.iter().position(|b| *b == b'\n');
    let text = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
    let room = MAX_LINE.saturating_sub(line.len()).min(text.len());
    line.extend_from_slice(text.get(..room).unwrap_or_default());
    let used = text.len() + usize::from(end.is_some());
    input.consume(used);
    Some(end.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    fn lines(bytes: &[u8], buffer: usize) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        for_each(BufReader::with_capacity(buffer, Cursor::new(bytes)), |n, line| {
            all.push((n, line.to_vec()));
        });
        all
    }

    #[test]
    fn lines_are_the_same_whatever_the_size_of_the_buffer() {
        let text = b"one\n\nthree\xff\nlast";
        let whole = lines(text, 1 << 16);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[2], (3, b"three\xff".to_vec()));
        assert_eq!(whole[3], (4, b"last".to_vec()));
        for buffer in 1..8 {
            assert_eq!(lines(text, buffer), whole);
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; MAX_LINE * 3];
        text.extend_from_slice(b"\nnext");
        let all = lines(&text, 4096);
        assert_eq!(all[0].1.len(), MAX_LINE);
        assert_eq!(all[1], (2, b"next".to_vec()));
    }
}
