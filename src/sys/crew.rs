//! Threads that may be refused.
//!
//! On a machine at its task limit `std::thread::spawn` panics; here the refusal is an error that the caller shows as a
//! strain and works around. Called by `collect`, `source` and `cmd`.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Enough for iterative work; small enough that a tight RLIMIT_AS does not refuse it.
const STACK: usize = 1 << 20;

/// Starts a named thread.
///
/// # Errors
/// What the kernel answered: EAGAIN at a limit of tasks, ENOMEM without address space.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn runs_what_it_is_given() {
        let (sender, receiver) = mpsc::channel();
        let handle = spawn("crew-test", move || sender.send(7).unwrap()).unwrap();
        assert_eq!(receiver.recv().unwrap(), 7);
        handle.join().unwrap();
    }
}
