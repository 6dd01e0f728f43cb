//! Golden files: plain text under `tests/data`, compared whole; `UPDATE=1 cargo test` writes them anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test support: a panic is its failure")]

use std::path::PathBuf;

/// Where the golden file of that name lies.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Compares `text` with the golden file of that name, or writes it.
pub fn check(name: &str, text: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path)
        .unwrap_or_else(|why| panic!("{}: {why}; UPDATE=1 writes it", path.display()));
    if known != text {
        let differs = known.lines().zip(text.lines()).position(|(a, b)| a != b);
        let line = differs.unwrap_or_else(|| known.lines().count().min(text.lines().count()));
        let of = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
        panic!(
            "{} differs from line {} on:\n  was  {}\n  is   {}\n(UPDATE=1 takes what is)\n{text}",
            path.display(),
            line + 1,
            of(&known),
            of(text)
        );
    }
}
