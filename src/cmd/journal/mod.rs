//! `journal`: what was done to this machine.

mod book;
mod document;
mod page;
mod words;
mod works;

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use book::Book;
pub use works::works;

use crate::catalog::CleanPolicy;
use crate::cli::Global;
use crate::cmd::workshop::{Actor, Names, chain, homes, journals};
use crate::cmd::{Refusal, check, config, out};
use crate::exec::home;
use crate::exec::journal::History;
use crate::exit::Exit;
use crate::model::raw_path::RawPath;
use crate::model::units::Micros;

/// So much is written at once.
const PIECE: usize = 64 << 10;

/// Runs the command; whoever cannot write may read.
///
/// # Errors
/// Journals that are there, of which none can be read.
pub fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let (us, names) = (Actor::find(), Names::read());
    let (book, gaps) = read(&homes(us.uid), us.uid);
    for gap in &gaps {
        out::say(&format!("tmpmedic: {} {}", gap.what(), gap.why));
    }
    let unread: Vec<RawPath> = gaps.iter().filter(|gap| gap.is_whole).map(|gap| gap.home.clone()).collect();
    if book.is_empty() && !unread.is_empty() {
        let message = "no journal can be read".to_owned();
        return Err(Refusal { exit: Exit::Failed, message }.into());
    }
    if global.json {
        let mut out = BufWriter::with_capacity(PIECE, out::Stream);
        let written = document::write(&book, &unread, &names, &mut out);
        written.and_then(|()| Ok(out.flush()?)).map_err(out::lost)?;
    } else {
        // A broken configuration is no reason not to read a journal.
        let policy =
            config::load(global).map_or_else(|_| CleanPolicy::default(), |(catalog, _)| catalog.clean);
        out::write(&page::page(&book, &names, policy, &check::options(global, Vec::new(), Micros(0)))?)?;
    }
    Ok(if unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Exit::Failed.code()) })
}

/// What is not read of a home.
struct Unread {
    home: RawPath,
    why: String,
    /// Whether it is all of it.
    is_whole: bool,
    /// Whether it is what a kill leaves.
    is_torn: bool,
}

impl Unread {
    fn what(&self) -> String {
        format!("the journal in {}", self.home.shown())
    }
}

/// The journals of these homes as far as they can be read, and what of them cannot.
fn read(homes: &[RawPath], own: u32) -> (Book, Vec<Unread>) {
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for (home, read) in journals(homes, own, History::read) {
        let mut gap = |why: String, is_whole, is_torn| {
            unread.push(Unread { home: home.clone(), why, is_whole, is_torn });
        };
        match &read {
            Ok(history) if history.extent.is_newer => {
                gap("is not shown to its end: a newer tmpmedic wrote in it".to_owned(), false, false);
            }
            Ok(history) if history.extent.torn > 0 => {
                gap(format!("ends in {} bytes that are no record", history.extent.torn), false, true);
            }
            Ok(_) => {}
            Err(why) => gap(format!("cannot be read: {}", chain(why)), true, false),
        }
        all.extend(read.ok().map(|history| (home, history)));
    }
    for unfit in home::unfit(homes, own) {
        let why = format!("cannot be read: {}", unfit.why);
        unread.push(Unread { home: unfit.path, why, is_whole: true, is_torn: false });
    }
    let whole = unread.iter().filter(|unread| unread.is_whole).map(|unread| unread.home.clone());
    let whole = whole.collect();
    (Book::of(all, whole), unread)
}
