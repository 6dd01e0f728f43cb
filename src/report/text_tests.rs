//! Tests of [`super`]: what the functions of `text` promise.

use super::*;
use crate::report::{Colour, Glyphs, sample};

fn render_with(width: usize, glyphs: Glyphs) -> String {
    let (now, diagnosis) = sample::sick();
    render(&now, &diagnosis, &Options { width, glyphs, ..Options::default() })
}

#[test]
fn fits_the_columns_it_is_given() {
    for width in [40, 60, 80] {
        for line in render_with(width, Glyphs::Unicode).lines() {
            assert!(columns(line) <= width, "{line:?} is wider than {width}");
        }
    }
}

#[test]
fn begins_with_the_verdict_and_names_the_cause_its_proof_and_what_helps() {
    let text = render_with(80, Glyphs::Unicode);
    assert!(
        text.starts_with("CRITICAL  /tmp of forgejo-runner@1.service is a deleted directory\n"),
        "{text}"
    );
    for part in [
        "proven · ENOENT (No such file or directory) · private-tmp-deleted",
        "//deleted /tmp",
        "by hand  awk '$1 == 209' /proc/4514/mountinfo",
        "systemctl restart forgejo-runner@1.service",
        "tmpmedic explain private-tmp-deleted",
        "disk-full",
        "→ run as root",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn needs_nothing_but_ascii_when_asked() {
    let text = render_with(80, Glyphs::Ascii);
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let (now, diagnosis) = sample::sick();
    let plain = render(&now, &diagnosis, &Options::default());
    let mut bare = render(&now, &diagnosis, &Options { colour: Colour::On, ..Options::default() });
    for code in ["1", "2", "1;31", "1;32", "1;33", "1;35", "0"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, plain);
}
