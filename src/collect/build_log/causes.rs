//! Lists of causes that several messages share.

/// TMPDIR itself is wrong.
pub(super) const TMPDIR: &[&str] = &[
    "tmpdir-missing",
    "tmpdir-not-a-directory",
    "tmpdir-dangling-symlink",
    "tmpdir-symlink-loop",
    "tmpdir-relative",
    "tmpdir-empty-string",
    "tmpdir-literal-syntax",
    "tmpdir-overridden-by-runner-config",
    "tmpdir-overridden-by-unit",
];

/// The directory is there and dead: nothing can be made in it any more.
pub(super) const DEAD: &[&str] = &["private-tmp-deleted", "bind-source-deleted", "overlay-upper-gone"];

/// No room of some kind.
pub(super) const FULL: &[&str] = &[
    "disk-full",
    "reserved-blocks",
    "inodes-exhausted",
    "tmpfs-inodes",
    "tmpfs-size",
    "var-tmp-full",
    "quota-user-or-group",
    "quota-project",
    "dir-index-full",
];

/// Not allowed.
pub(super) const DENIED: &[&str] =
    &["tmp-wrong-mode-or-owner", "root-owned-bind-dir", "acl-deny", "immutable-or-append", "mac-denied"];

/// Never a reason for ENOENT, however often it is suspected.
pub(super) const MYTHS: &[&str] = &["dir-too-many-entries", "leaked-temp-accumulation"];

/// All of several lists, each id once, in order.
pub(super) fn all(lists: &[&[&'static str]]) -> Vec<&'static str> {
    let mut ids: Vec<&'static str> = Vec::new();
    for id in lists.iter().copied().flatten() {
        if !ids.contains(id) {
            ids.push(id);
        }
    }
    ids
}
