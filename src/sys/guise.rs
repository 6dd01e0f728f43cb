//! Acting as another user for a moment, or for good. Only for single-threaded processes. Called by `lab`.

use std::io;

use nix::unistd::{Uid as FilesUid, setfsuid};
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

/// Runs `work` with the file rights of that user and without the right to the reserve of a file system, which ext4 asks
/// for besides the user. Source: ext4_has_free_clusters of the kernel.
///
/// # Errors
/// What the calls answer, and what `work` answers.
pub fn as_user<T>(uid: u32, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = capabilities(None)?;
    let own = setfsuid(FilesUid::from_raw(uid));
    let now = capabilities(None)?;
    set_capabilities(None, CapabilitySets { effective: now.effective - CapabilitySet::SYS_RESOURCE, ..now })?;
    let done = work();
    setfsuid(own);
    set_capabilities(None, before)?;
    done
}

/// What a user may do besides what files allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    /// Nothing.
    None,
    /// What the namespace gives its root.
    Root,
}

/// Becomes that user for good.
///
/// # Errors
/// What setgroups(2), setresgid(2) and setresuid(2) answer: EPERM where groups may not be given up, EINVAL for an id that
/// this user namespace does not know.
pub fn become_user(uid: u32, gid: u32, groups: Groups, privileges: Privileges) -> io::Result<()> {
    clear_ambient_capability_set()?;
    if privileges == Privileges::None {
        drop_bounding(CapabilitySet::empty());
    }
    if groups == Groups::Drop {
        set_thread_groups(&[])?;
    }
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    if privileges == Privileges::None {
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    }
    Ok(())
}

/// What becomes of the supplementary groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// There are none afterwards.
    Drop,
    /// They stay: in a user namespace without privileges nobody may give them up.
    Keep,
}

/// Takes from this process, and from all that it starts, every capability but these.
pub fn drop_bounding(keep: CapabilitySet) {
    for bit in (0..u64::BITS).map(|shift| 1_u64 << shift).filter(|bit| keep.bits() & bit == 0) {
        let capability = CapabilitySet::from_bits_retain(bit);
        if capability_is_in_bounding_set(capability) == Ok(true) {
            // Refused without CAP_SETPCAP, and then there are none to lose.
            remove_capability_from_bounding_set(capability).ok();
        }
    }
}

/// Makes what `/proc/PID` tells about this process readable again for its own user: a change of ids hides it.
///
/// # Errors
/// What prctl(2) answers.
pub fn be_visible() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)?)
}
