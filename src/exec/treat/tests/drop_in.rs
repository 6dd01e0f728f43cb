//! Drop-ins: replaced as a whole, and read through no link.

use std::os::fd::AsFd;

use super::rights;
use crate::exec::stage::Stage;
use crate::exec::treat::units;
use crate::sys::dirfd;

#[test]
fn a_drop_in_is_the_old_one_or_the_new_one() {
    let stage = Stage::new();
    let dir = dirfd::reopen_listing(AsFd::as_fd(&stage.place)).unwrap();
    units::replace(&dir, "a.conf", b"one").unwrap();
    units::replace(&dir, "a.conf", b"two").unwrap();
    assert_eq!(units::content(&dir, "a.conf").unwrap(), Some("two".into()));
    assert_eq!(rights(&stage.path("a.conf")).mode, 0o644);
    std::os::unix::fs::symlink("a.conf", stage.path("link.conf")).unwrap();
    assert!(units::content(&dir, "link.conf").is_err(), "a link is not read");
    assert_eq!(std::fs::read_dir(stage.path("")).unwrap().count(), 3, "nothing is left aside");
}
