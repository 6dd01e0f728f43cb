//! Floor 2: the hands. The only room that changes the machine.
//!
//! # What can go wrong here
//!
//! We run as root in a directory in which everybody may create and rename names. Whoever wants something removed, owned or
//! overwritten needs only to make us do it: put a link where a directory stood, mount something into a tree while we walk
//! it, use a name again between our look and our act. And whoever runs a service behind us loses it when we remove what it
//! stands on. So nothing here trusts a path, a name or an earlier look:
//!
//! 1. **Descriptors, never paths.** A directory is entered one component at a time, from a handle to a handle, across no
//!    mount and through no link (`sys::enter`). Where the kernel cannot promise that, nothing is done.
//! 2. **Claim, compare, then act.** An entry is first renamed into the quarantine, where nobody else can rename anything,
//!    and only then looked at: is it the object of the plan, by mount, device, inode, kind and birth? If it is another one,
//!    it goes back (`quarantine`). No check before the rename can promise that, because names can change after any check.
//! 3. **Nothing is destroyed in place.** What is removed for good is removed inside the quarantine, flattened: a directory
//!    that is not empty is renamed up into the quarantine and waits its turn there. No recursion, three descriptors, any
//!    depth; and nobody who still has a handle on it can lead us out, because no step goes up (`flatten`). Two threads may
//!    do so side by side, each with its own entries and its own names for what waits (`sweep`).
//! 4. **Unknown means in use.** What could not be looked at is kept: a process that cannot be read, a lock table that is
//!    missing, a file system that does not answer, an age in the future.
//! 5. **Said before done.** What will be done is in the journal, synced, before it is done; what became of it after. Whoever
//!    finds an intent without an outcome looks at both ends: a rename is whole or not at all.
//!
//! A quarantine frees no room, and says so. Removal for good is the second step, asked for by name.

pub mod chronicle;
pub mod examine;
pub mod flatten;
pub mod home;
pub mod journal;
mod ladder;
pub mod object;
pub mod quarantine;
pub mod recover;
pub mod refused;
pub mod seal;
pub mod shelter;
#[cfg(test)]
mod stage;
pub mod sweep;
#[cfg(test)]
mod tests;
pub mod treat;
pub mod undo;
