//! Where journals live: which homes there may be, and what the journals in them hold, read without taking part.

use std::os::fd::{AsFd, BorrowedFd};

use super::chain;
use crate::cmd::Refusal;
use crate::cmd::surroundings::variable;
use crate::exec::home;
use crate::exec::journal::JournalError;
use crate::exit::Exit;
use crate::model::raw_path::RawPath;

/// Where a journal may live, the best first. As root no variable is asked: whoever called sudo wrote them.
pub fn homes(own: u32) -> Vec<RawPath> {
    if own == 0 {
        return vec!["/var/lib/tmpmedic".into(), "/run/tmpmedic".into()];
    }
    let state = variable("XDG_STATE_HOME").filter(|path| path.starts_with('/'));
    let state = state.or_else(|| Some(format!("{}/.local/state", variable("HOME")?)));
    let state = state.map(|state| RawPath::from(state.as_str()).join(b"tmpmedic"));
    let run = RawPath::from(format!("/run/user/{own}/tmpmedic").as_str());
    state.into_iter().chain([run]).collect()
}

/// How much of a journal is read: `journal::records`, or with its archives `History::read`.
pub type Reader<T> = fn(BorrowedFd<'_>, u32) -> Result<T, JournalError>;

/// The journals of those of these homes that exist, each with where it lives, read one after the other as they are asked for.
pub fn journals<T>(
    homes: &[RawPath],
    own: u32,
    read: Reader<T>,
) -> impl Iterator<Item = (RawPath, Result<T, JournalError>)> + use<T> {
    home::existing(homes, own).into_iter().map(move |home| {
        let content = read(home.dir.as_fd(), own);
        (home.path, content)
    })
}

/// What whoever needs all of them says where one cannot be read.
pub fn unreadable(home: &RawPath, why: &JournalError) -> Refusal {
    let message = format!("the journal in {} cannot be read: {}", home.shown(), chain(why));
    Refusal { exit: Exit::Failed, message }
}
