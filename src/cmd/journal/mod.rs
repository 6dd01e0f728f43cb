//! `journal`: what was done to this machine.

mod book;
mod document;
mod page;
mod words;
mod works;

use std::process::ExitCode;

use book::Book;
pub use works::works;

use crate::catalog::CleanPolicy;
use crate::cli::Global;
use crate::cmd::workshop::{Actor, Names, homes, journals, unreadable};
use crate::cmd::{check, config, out};
use crate::exec::journal;
use crate::model::units::Micros;

/// Runs the command; whoever cannot write may read.
///
/// # Errors
/// A journal that is there and cannot be read.
pub fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let (us, names) = (Actor::find(), Names::read());
    let mut all = Vec::new();
    for (home, read) in journals(&homes(us.uid), us.uid, journal::history) {
        let content = read.map_err(|why| unreadable(&home, &why))?;
        if content.is_newer {
            out::say(&format!("tmpmedic: a newer tmpmedic wrote in {}: the rest is not shown", home.shown()));
        } else if content.torn > 0 {
            out::say(&format!(
                "tmpmedic: the journal in {} ends in {} bytes that are no record",
                home.shown(),
                content.torn
            ));
        }
        all.push((home, content.records));
    }
    let book = Book::of(all);
    let works = book.works();
    let text = if global.json {
        document::line(&works, &names)?
    } else {
        // A broken configuration is no reason not to read a journal.
        let policy =
            config::load(global).map_or_else(|_| CleanPolicy::default(), |(catalog, _)| catalog.clean);
        page::page(&works, &names, policy, &check::options(global, Vec::new(), Micros(0)))
    };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}
