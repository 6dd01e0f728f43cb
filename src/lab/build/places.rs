//! Things that are made: directories, files, many of a kind, links, pipes.

use std::io::{self, Write};
use std::path::Path;

use super::Builder;
use crate::model::scenario::step::{Many, Step};
use crate::sys::make::{self, Rights};

impl Builder {
    pub(super) fn make(&self, step: &Step) -> io::Result<()> {
        match step {
            Step::Dir { path, mode, uid, gid, dated } => {
                make::dir(Path::new(path), self.rights(mode.unwrap_or(0o755), *uid, *gid))?;
                dated.map_or(Ok(()), |span| make::date_back(Path::new(path), span.0.0))
            }
            Step::File { path, mode, uid, gid, text, size, filled, dated } => {
                let path = Path::new(path);
                above(path)?;
                let mut file = make::file(path)?;
                file.write_all(text.as_bytes())?;
                if let Some(size) = size {
                    file.set_len(size.0.0)?;
                }
                if let Some(filled) = filled {
                    make::fill(&file, filled.0.0)?;
                }
                make::set_rights(path, self.rights(mode.unwrap_or(0o644), *uid, *gid))?;
                dated.map_or(Ok(()), |span| make::date_back(path, span.0.0))
            }
            Step::Many { path, count, kind, uid, mode } => self.make_many(path, *count, *kind, (*uid, *mode)),
            Step::Link { path, to } => {
                above(Path::new(path))?;
                make::link(Path::new(path), Path::new(to))
            }
            Step::Fifo { path } => {
                above(Path::new(path))?;
                make::fifo(Path::new(path))
            }
            _ => Ok(()),
        }
    }

    fn rights(&self, mode: u32, uid: u32, gid: u32) -> Rights {
        Rights { mode, uid: self.id(uid), gid: self.id(gid) }
    }

    fn make_many(&self, path: &str, count: u32, kind: Many, of: (u32, Option<u32>)) -> io::Result<()> {
        let (uid, mode) = of;
        for number in 1..=count {
            let name = path.replace("{}", &number.to_string());
            let name = Path::new(&name);
            if number == 1 {
                above(name)?;
            }
            match kind {
                Many::Dirs => {
                    make::dir(name, self.rights(mode.unwrap_or(0o755), uid, uid))?;
                    let inside = name.join("file");
                    make::file(&inside)?;
                    make::own(&inside, self.id(uid), self.id(uid))?;
                }
                Many::EmptyDirs => make::dir(name, self.rights(mode.unwrap_or(0o755), uid, uid))?,
                Many::Files => {
                    make::file(name)?;
                    make::set_rights(name, self.rights(mode.unwrap_or(0o644), uid, uid))?;
                }
            }
        }
        Ok(())
    }
}

fn above(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), make::dirs)
}
