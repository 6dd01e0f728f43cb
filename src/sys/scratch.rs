//! A private directory for the tests of this crate, beside the test program: the machine's temp dirs are the patient.

use std::os::unix::ffi::OsStrExt;

use tempfile::TempDir;

/// A directory of its own for one test, removed at its end.
pub(crate) fn dir() -> TempDir {
    let program = std::env::current_exe().unwrap();
    tempfile::Builder::new().prefix("scratch-").tempdir_in(program.parent().unwrap()).unwrap()
}

/// Its path as bytes.
pub(crate) fn bytes(dir: &TempDir) -> &[u8] {
    dir.path().as_os_str().as_bytes()
}
