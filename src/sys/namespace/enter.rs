//! Becoming like a process, step by step; each step that is not needed is not taken, so that it works without root where
//! the target differs in nothing that needs it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, fstat, openat, statx};
use rustix::io::Errno;
use rustix::process::{Gid, Resource, Rlimit, Uid, chroot, fchdir, getrlimit, setrlimit, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, LinkNameSpaceType, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, configure_capability_in_ambient_set, move_into_link_name_space,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use super::status::{Ids, Limit};
use super::target::{Id, Target};

/// CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID: what lets a process reach files that modes deny it.
const FILE_CAPABILITIES: u64 = 0b1_1111;

/// At which point a process could not be imitated.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct EnterError {
    /// "cannot join its mount namespace".
    pub what: &'static str,
    /// What the kernel answered.
    #[source]
    pub source: io::Error,
}

impl EnterError {
    pub(super) fn new(what: &'static str, errno: Errno) -> Self {
        Self { what, source: errno.into() }
    }

    pub(super) fn at<E: Into<io::Error>>(what: &'static str) -> impl Fn(E) -> Self + Copy {
        // `Fn` for `map_err` in several places; each call consumes its own error.
        move |error| Self { what, source: error.into() }
    }
}

/// What is left when we are like the target.
#[derive(Debug)]
pub struct Entered {
    /// Its working directory, from which relative paths are resolved.
    pub cwd: io::Result<OwnedFd>,
    /// What could not be taken over, in words.
    pub missed: Vec<String>,
}

impl Target {
    /// Becomes like the target. `held` is how many descriptors the caller will have open that the target would not have:
    /// the limit of open files is set higher by as many.
    ///
    /// # Errors
    /// See [`EnterError`]; the process is then something in between and must end.
    pub fn enter(self, held: u64) -> Result<Entered, EnterError> {
        let mut missed = Vec::new();
        self.join_mounts()?;
        self.change_root()?;
        self.take_ids()?;
        let joined = self.join_users(&mut missed)?;
        if let Some(mask) = self.status.umask {
            umask(Mode::from_raw_mode(mask));
        }
        self.take_limits(held, &mut missed);
        self.drop_capabilities(joined, &mut missed)?;
        if self.status.no_new_privileges {
            set_no_new_privs(true).map_err(EnterError::at("cannot give up new privileges"))?;
        }
        Ok(Entered { cwd: self.cwd, missed })
    }

    /// Before anything else: it takes privileges of our own user namespace that are given up below. Source: setns(2).
    fn join_mounts(&self) -> Result<(), EnterError> {
        if is_namespace(&self.mount_ns, self.own.mount_ns) {
            return Ok(());
        }
        move_into_link_name_space(self.mount_ns.as_fd(), Some(LinkNameSpaceType::Mount))
            .map_err(EnterError::at("cannot join its mount namespace"))
    }

    fn change_root(&self) -> Result<(), EnterError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let here = openat(CWD, "/", flags, Mode::empty()).map_err(EnterError::at("cannot open the root"))?;
        if is_same_place(&here, &self.root) {
            return Ok(());
        }
        fchdir(&self.root).map_err(EnterError::at("cannot go to its root"))?;
        chroot(".").map_err(EnterError::at("cannot take its root"))
    }

    /// Takes over groups and ids as our own user namespace counts them, which spares every translation; capabilities are
    /// kept for what follows. Source: capabilities(7), "Effect of user ID changes on capabilities".
    fn take_ids(&self) -> Result<(), EnterError> {
        let (wanted, own) = (&self.status, &self.own.status);
        if wanted.more_groups != own.more_groups {
            let groups: Vec<Gid> = wanted.more_groups.iter().map(|id| Gid::from_raw(*id)).collect();
            set_thread_groups(&groups).map_err(EnterError::at("cannot take its groups"))?;
        }
        if wanted.groups != own.groups {
            let Ids { real, effective, saved, .. } = wanted.groups;
            set_thread_res_gid(Gid::from_raw(real), Gid::from_raw(effective), Gid::from_raw(saved))
                .map_err(EnterError::at("cannot take its group id"))?;
            take_files_gid(wanted.groups)?;
        }
        if wanted.users != own.users {
            set_keep_capabilities(true).map_err(EnterError::at("cannot keep capabilities"))?;
            let Ids { real, effective, saved, .. } = wanted.users;
            set_thread_res_uid(Uid::from_raw(real), Uid::from_raw(effective), Uid::from_raw(saved))
                .map_err(EnterError::at("cannot take its user id"))?;
            raise_all().map_err(EnterError::at("cannot keep capabilities"))?;
            take_files_uid(wanted.users)?;
            set_keep_capabilities(false).map_err(EnterError::at("cannot let go of capabilities"))?;
        }
        Ok(())
    }

    /// Joins its user namespace, in which alone its capabilities mean what they mean to it. Where that is refused and it
    /// has none that matter to files, nothing is lost.
    fn join_users(&self, missed: &mut Vec<String>) -> Result<Users, EnterError> {
        if is_namespace(&self.user_ns, self.own.user_ns) {
            return Ok(Users::Same);
        }
        match move_into_link_name_space(self.user_ns.as_fd(), Some(LinkNameSpaceType::User)) {
            Ok(()) => Ok(Users::Joined),
            Err(_) if self.status.capabilities.effective & FILE_CAPABILITIES == 0 => {
                missed.push("its user namespace, which could not be joined".to_owned());
                Ok(Users::Foreign)
            }
            Err(error) => Err(EnterError::new("cannot join its user namespace", error)),
        }
    }

    fn take_limits(&self, held: u64, missed: &mut Vec<String>) {
        let more = |limit: Option<u64>| limit.map(|n| n.saturating_add(held));
        let open_files =
            Limit { soft: more(self.limits.open_files.soft), hard: more(self.limits.open_files.hard) };
        let wanted = [
            (Resource::Nproc, self.limits.processes),
            (Resource::Nofile, open_files),
            (Resource::Fsize, self.limits.file_size),
        ];
        for (resource, limit) in wanted {
            if !take_limit(resource, limit) && resource == Resource::Fsize {
                missed.push("its limit of file sizes, which is above our own".to_owned());
            }
        }
    }

    fn drop_capabilities(&self, users: Users, missed: &mut Vec<String>) -> Result<(), EnterError> {
        let trouble = EnterError::at("cannot take its capabilities");
        let mut wanted = self.status.capabilities;
        if users == Users::Foreign {
            wanted = super::status::Capabilities::default();
        }
        drop_bounding(wanted.bounding);
        clear_ambient_capability_set().map_err(trouble)?;
        let held = capabilities(None).map_err(trouble)?.permitted.bits();
        if wanted.effective & !held & FILE_CAPABILITIES != 0 {
            missed.push("capabilities that tmpmedic does not have itself".to_owned());
        }
        let permitted = wanted.permitted & held;
        let inheritable = wanted.inheritable & held & wanted.bounding;
        let sets = CapabilitySets {
            effective: CapabilitySet::from_bits_retain(wanted.effective & permitted),
            permitted: CapabilitySet::from_bits_retain(permitted),
            inheritable: CapabilitySet::from_bits_retain(inheritable),
        };
        set_capabilities(None, sets).map_err(trouble)?;
        for bit in bits_of(wanted.ambient & permitted & inheritable) {
            // Matters only to the command of `--exec`, which then has fewer.
            configure_capability_in_ambient_set(CapabilitySet::from_bits_retain(bit), true).ok();
        }
        Ok(())
    }
}

/// How our user namespace stands to the target's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Users {
    /// It was the same from the beginning.
    Same,
    /// It is the same now.
    Joined,
    /// It is another one.
    Foreign,
}

fn is_namespace(fd: &OwnedFd, id: Id) -> bool {
    fstat(fd).is_ok_and(|found| (found.st_dev, found.st_ino) == id)
}

fn is_same_place(one: &OwnedFd, other: &OwnedFd) -> bool {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let wanted = StatxFlags::INO | StatxFlags::MNT_ID;
    match (statx(one, "", flags, wanted), statx(other, "", flags, wanted)) {
        (Ok(a), Ok(b)) => {
            (a.stx_dev_major, a.stx_dev_minor, a.stx_ino, a.stx_mnt_id)
                == (b.stx_dev_major, b.stx_dev_minor, b.stx_ino, b.stx_mnt_id)
        }
        _ => false,
    }
}

/// setfsuid(2) reports no error, only the id that was in force before: a second call tells whether the first worked.
fn take_files_uid(wanted: Ids) -> Result<(), EnterError> {
    if wanted.files == wanted.effective {
        return Ok(());
    }
    let id = nix::unistd::Uid::from_raw(wanted.files);
    nix::unistd::setfsuid(id);
    if nix::unistd::setfsuid(id) == id {
        Ok(())
    } else {
        Err(EnterError::new("cannot take its file system user id", Errno::PERM))
    }
}

fn take_files_gid(wanted: Ids) -> Result<(), EnterError> {
    if wanted.files == wanted.effective {
        return Ok(());
    }
    let id = nix::unistd::Gid::from_raw(wanted.files);
    nix::unistd::setfsgid(id);
    if nix::unistd::setfsgid(id) == id {
        Ok(())
    } else {
        Err(EnterError::new("cannot take its file system group id", Errno::PERM))
    }
}

/// A change of the effective uid clears the effective set even where the permitted one is kept.
fn raise_all() -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.effective = sets.permitted;
    set_capabilities(None, sets)
}

/// Takes the limit as it is, or as much of it as our own hard limit allows; says whether it is the target's.
fn take_limit(resource: Resource, wanted: Limit) -> bool {
    let exact = Rlimit { current: wanted.soft, maximum: wanted.hard };
    if setrlimit(resource, exact).is_ok() {
        return true;
    }
    let ceiling = getrlimit(resource).maximum;
    let lower = |limit: Option<u64>| match (limit, ceiling) {
        (Some(limit), Some(ceiling)) => Some(limit.min(ceiling)),
        (limit, ceiling) => limit.or(ceiling),
    };
    let clipped = Rlimit { current: lower(wanted.soft), maximum: lower(wanted.hard) };
    // Refused once more, our own limit stays, which is no tighter.
    setrlimit(resource, clipped).is_ok() && clipped.current == wanted.soft
}

/// Without CAP_SETPCAP nothing can be dropped; then it only matters to a root command of `--exec`.
fn drop_bounding(keep: u64) {
    for bit in bits_of(!keep) {
        let capability = CapabilitySet::from_bits_retain(bit);
        if capability_is_in_bounding_set(capability) == Ok(true) {
            remove_capability_from_bounding_set(capability).ok();
        }
    }
}

fn bits_of(set: u64) -> impl Iterator<Item = u64> {
    (0..u64::BITS).map(|shift| 1_u64 << shift).filter(move |bit| set & bit != 0)
}
