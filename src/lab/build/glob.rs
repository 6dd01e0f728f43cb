//! Paths with `*`, `?` and `[…]` in any component, as a shell expands them: sorted, no hidden names for a leading `*`.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use rustix::io::Errno;

/// What the pattern names.
///
/// # Errors
/// ENOENT where that is nothing, as for a path that does not exist.
pub(super) fn expand(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::from("/")];
    for name in pattern.split('/').filter(|name| !name.is_empty()) {
        if !is_pattern(name) {
            for path in &mut found {
                path.push(name);
            }
            continue;
        }
        let glob = GlobBuilder::new(name).literal_separator(true).build().map_err(io::Error::other)?;
        let matcher = glob.compile_matcher();
        let mut next = Vec::new();
        for dir in &found {
            next.extend(matching(dir, |entry| {
                (name.starts_with('.') || !entry.starts_with(b".")) && matcher.is_match(path_of(entry))
            })?);
        }
        next.sort();
        found = next;
    }
    if found.is_empty() { Err(Errno::NOENT.into()) } else { Ok(found) }
}

/// Whether a text means more than itself.
fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

fn path_of(name: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(name))
}

/// The entries of a directory that are wanted; none where it is no directory.
fn matching(dir: &Path, wanted: impl Fn(&[u8]) -> bool) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(why) => return Err(why),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if wanted(entry.file_name().as_bytes()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_any_component_and_nothing_hidden() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a1/x", "a2/x", "b/x", ".a3/x"] {
            std::fs::create_dir_all(home.path().join(name)).unwrap();
        }
        let root = home.path().to_str().unwrap();
        let found = expand(&format!("{root}/*/x")).unwrap();
        assert_eq!(found, ["a1/x", "a2/x", "b/x"].map(|name| home.path().join(name)));
        assert_eq!(expand(&format!("{root}/a?")).unwrap().len(), 2);
        assert_eq!(expand(&format!("{root}/c*")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_path_without_a_pattern_is_itself() {
        assert_eq!(expand("/mnt/x (deleted)").unwrap(), [PathBuf::from("/mnt/x (deleted)")]);
    }
}
