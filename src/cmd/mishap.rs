//! Panics: kept silent where they happen, told in one line where the program ends.
//!
//! The default hook prints in the middle of the console's screen, and a worker's panic is a gap in a snapshot, not news
//! for standard error.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use crate::model::raw_path::shown_bytes;

static TOLD: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic prints nothing and is remembered.
pub fn stay_quiet() {
    std::panic::set_hook(Box::new(|info| {
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        // The first one is the cause; others follow from it.
        told.get_or_insert_with(|| one_line(info));
    }));
}

/// The first panic, in one line.
pub fn told() -> String {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let what = told.clone().unwrap_or_else(|| "stopped without a word".to_owned());
    format!("internal error: {what}; this is a defect of tmpmedic, please report it with this line")
}

fn one_line(info: &PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("no message");
    let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
    format!("{}{place}", shown_bytes(what.as_bytes()))
}
