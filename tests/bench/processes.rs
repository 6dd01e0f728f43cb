//! Processes and holders: ours against reading the same files of procfs and nothing else, and against lsof and ps.
#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs and reads clocks")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::exit, reason = "a member of the crowd ends at once")]
#![expect(missing_docs, reason = "a program, not an interface")]

#[path = "crowd.rs"]
mod crowd;
#[path = "limit.rs"]
mod limit;
#[path = "side_by_side.rs"]
mod side_by_side;

use crowd::Crowd;
use side_by_side::{Lane, number, private_dir, race};

fn main() {
    crowd::join_if_asked();
    let (size, files) = (number("PROCESSES", 1000), number("FILES", 50));
    let dir = private_dir("processes");
    let crowd = Crowd::start(size, files, &dir);
    println!("{size} processes with {files} descriptors each, {} in all", limit::pids().len());
    drop(crowd);
    std::fs::remove_dir_all(&dir).ok();
}
