//! The title line of a finding: the header of the screen shows it, so it fits 78 columns where it can.

use crate::model::raw_path::RawPath;

/// Columns that a header has for a title at 80×24.
const WIDTH: usize = 78;
/// A path is never cut below this, or it would say nothing.
const LEAST: usize = 20;

/// A title around a path, which loses its middle, never its end, where the line would be too long.
pub fn titled(before: &str, path: &RawPath, after: &str) -> String {
    let around = before.chars().count() + after.chars().count();
    let room = WIDTH.saturating_sub(around).max(LEAST);
    format!("{before}{}{after}", shortened(&path.shown(), room))
}

fn shortened(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(3);
    let head: String = text.chars().take(kept / 3).collect();
    let tail: String = text.chars().skip(length - (kept - kept / 3)).collect();
    format!("{head}...{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_end_of_a_long_path_and_the_width_of_a_header() {
        let long: RawPath = format!("/home/runner/{}/target/tmp", "x".repeat(90)).as_str().into();
        let title = titled("TMPDIR=", &long, " of forgejo-runner@1.service does not exist");
        assert_eq!(title.chars().count(), WIDTH);
        assert!(title.contains("/target/tmp of "));
        assert_eq!(titled("TMPDIR=", &"/nope".into(), " is missing"), "TMPDIR=/nope is missing");
    }
}
