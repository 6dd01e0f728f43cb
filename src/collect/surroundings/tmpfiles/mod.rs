//! What the lines `x` and `X` of tmpfiles.d exclude from every clean-up.
//!
//! systemd-tmpfiles is the machine's own cleaner, and whoever depends on an entry of a temp dir has told it so here. The
//! files are read again only where one of them changed. Source: tmpfiles.d(5).

mod glob;
mod line;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::claims::Claims;
use crate::collect::parse::lines;
use crate::model::raw_path::RawPath;
use crate::model::reading::{Gap, GapWhy};
use crate::model::surroundings::ClaimKind;
use crate::sys::plainfile;
use line::{Exclusion, Specifiers};

/// The earlier one wins, file by file.
const DIRS: &[&str] =
    &["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d"];
const FILE_MAX: usize = 1 << 20;

/// The exclusions, and by what they are known to be still those of the files.
#[derive(Debug, Default)]
pub struct Book {
    stamps: Option<Vec<Stamp>>,
    exclusions: Vec<Exclusion>,
    gaps: Vec<Gap>,
}

/// A file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    stamp: Option<plainfile::Stamp>,
}

impl Book {
    /// Reads what changed.
    pub fn refresh(&mut self, claims: &mut Claims) {
        let (files, gaps) = files(DIRS.iter().map(Path::new));
        let stamps =
            files.into_iter().map(|path| Stamp { stamp: plainfile::stamp(&path).ok(), path }).collect();
        if self.stamps.as_ref() != Some(&stamps) {
            *self = Self { gaps, ..Self::read(&stamps, &Specifiers::of_this_machine()) };
            self.stamps = Some(stamps);
        }
        claims.unseen_all(&self.gaps);
    }

    fn read(stamps: &[Stamp], specifiers: &Specifiers) -> Self {
        let mut book = Self::default();
        for Stamp { path, .. } in stamps {
            match plainfile::read(path, FILE_MAX) {
                Ok(text) => {
                    let found = lines(&text).filter_map(|line| line::parse(line, specifiers));
                    book.exclusions.extend(found);
                }
                // A link to /dev/null masks a file; one to nowhere, and what has just been removed, says nothing either.
                Err(error) if is_mask(&error) => {}
                Err(error) => book.gaps.push(Gap::new(path.display().to_string(), error.into())),
            }
        }
        book
    }

    /// Claims the entry where a line excludes it, the directory above it, or something in it.
    pub fn look(&self, dirs: &[RawPath], name: &[u8], claims: &mut Claims) {
        for exclusion in &self.exclusions {
            if dirs.iter().any(|dir| exclusion.keeps(dir.as_bytes(), name)) {
                claims.add(name, ClaimKind::Tmpfiles, None, &exclusion.line);
            }
        }
    }

    /// The lines that can concern the directory at all, so that a large directory asks only those.
    pub fn concerning(&self, dirs: &[RawPath]) -> Self {
        let concerns = |e: &&Exclusion| dirs.iter().any(|dir| e.concerns(dir.as_bytes()));
        Self { exclusions: self.exclusions.iter().filter(concerns).cloned().collect(), ..Self::default() }
    }
}

/// EINVAL for a device, ENOENT for a link to nowhere.
fn is_mask(error: &std::io::Error) -> bool {
    let codes = [rustix::io::Errno::INVAL, rustix::io::Errno::NOENT].map(rustix::io::Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// The files in force: of each name the first, in the order of their names.
fn files<'a>(dirs: impl Iterator<Item = &'a Path>) -> (Vec<PathBuf>, Vec<Gap>) {
    let mut by_name: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    let mut gaps = Vec::new();
    for dir in dirs {
        match plainfile::names(dir).map_err(GapWhy::from) {
            Ok(names) => {
                for name in names.into_iter().filter(|name| name.as_bytes().ends_with(b".conf")) {
                    let path = dir.join(&name);
                    by_name.entry(name).or_insert(path);
                }
            }
            Err(GapWhy::Vanished) => {}
            Err(why) => gaps.push(Gap::new(dir.display().to_string(), why)),
        }
    }
    (by_name.into_values().collect(), gaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::WallNanos;
    use crate::sys::scratch;

    fn kept(book: &Book, name: &str) -> Vec<String> {
        let mut claims = Claims::default();
        book.look(&["/tmp".into()], name.as_bytes(), &mut claims);
        let found = claims.into_surroundings(WallNanos(0), WallNanos(0)).claims;
        found.into_values().flatten().map(|claim| claim.shown.shown()).collect()
    }

    #[test]
    fn the_first_file_of_a_name_masks_the_others() {
        let home = scratch::dir();
        let dirs = ["etc", "run", "lib"].map(|name| home.path().join(name));
        for dir in &dirs[..2] {
            std::fs::create_dir(dir).unwrap();
        }
        std::fs::write(dirs[0].join("a.conf"), "x /tmp/mine\n").unwrap();
        std::fs::write(dirs[1].join("a.conf"), "x /tmp/masked\n").unwrap();
        std::fs::write(dirs[1].join("b.conf"), "# x /tmp/comment\n\nX /tmp/b-*  \n").unwrap();
        std::fs::write(dirs[1].join("c.conf.bak"), "x /tmp/backup\n").unwrap();
        std::os::unix::fs::symlink("/dev/null", dirs[0].join("d.conf")).unwrap();
        std::fs::write(dirs[1].join("d.conf"), "x /tmp/d\n").unwrap();
        let (files, gaps) = files(dirs.iter().map(PathBuf::as_path));
        assert!(gaps.is_empty(), "a directory that does not exist is none");
        let stamps: Vec<Stamp> = files.into_iter().map(|path| Stamp { path, stamp: None }).collect();
        let book = Book::read(&stamps, &Specifiers::default());
        assert!(book.gaps.is_empty(), "{:?}", book.gaps);
        assert_eq!(kept(&book, "mine"), ["x /tmp/mine"]);
        assert_eq!(kept(&book, "b-1"), ["X /tmp/b-*"]);
        for none in ["masked", "comment", "backup", "d", "b"] {
            assert_eq!(kept(&book, none), [""; 0], "{none}");
        }
    }

    #[test]
    fn only_lines_that_can_concern_the_directory_are_asked() {
        let specifiers = Specifiers::default();
        let exclusions =
            ["x /var/lib/a", "x /tmp/b", "x /tmp"].map(|l| line::parse(l.as_bytes(), &specifiers).unwrap());
        let book = Book { exclusions: exclusions.to_vec(), ..Book::default() };
        assert_eq!(book.concerning(&["/tmp".into()]).exclusions.len(), 2);
        assert!(book.concerning(&["/srv".into()]).exclusions.is_empty());
    }
}
