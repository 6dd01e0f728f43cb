//! Names of users, each by the passwd file of the process' own root, as text.
//!
//! The file is read once for each root; services with a private /tmp share that of the host, by the mount that serves it.
//! Called by `collect::Eyes`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::collect::parse::passwd::Users;
use crate::collect::places::Ground;
use crate::model::mount::{Device, MountNamespace};
use crate::model::process::{MountNs, Pid, Process, ProcessTable};
use crate::model::raw_path::RawPath;
use crate::sys::procfile::Proc;

/// A passwd file larger than this is not read.
const PASSWD_MAX: usize = 4 << 20;
/// After so many looks every file is read again.
const STALE_AFTER: u32 = 30;
/// The file, inside a root.
const PASSWD: &str = "etc/passwd";

/// What is known of passwd files.
#[derive(Debug, Default)]
pub struct UserBook {
    known: BTreeMap<Key, Option<Arc<Users>>>,
    own: Option<Arc<Users>>,
    looks: u32,
}

/// A namespace and a root in it, or, for roots that share it, the place on a device where the file lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Root(MountNs, RawPath),
    Backing(Device, RawPath),
}

impl UserBook {
    /// Gives every process the name of its user.
    pub fn settle(
        &mut self,
        proc: &Proc,
        processes: &mut ProcessTable,
        namespaces: &[MountNamespace],
        own: Pid,
    ) {
        self.looks += 1;
        if self.looks.is_multiple_of(STALE_AFTER) {
            self.known.clear();
        }
        let ground = Ground::new(namespaces, processes);
        self.read_own(proc, processes.get(own), &ground);
        let mut used: BTreeMap<Key, Option<Arc<Users>>> = BTreeMap::new();
        let mut of_root: BTreeMap<(MountNs, RawPath), Option<Arc<Users>>> = BTreeMap::new();
        for process in processes.by_pid.values_mut() {
            let Ok(namespace) = process.mount_ns else { continue };
            let users = of_root.entry((namespace, root_of(process))).or_insert_with(|| {
                let key = key_of(process, &ground)?;
                let users =
                    used.entry(key.clone()).or_insert_with(|| self.look_up(&key, proc, process, &ground));
                users.clone()
            });
            let Ok(credentials) = &process.credentials else { continue };
            let name = users.as_ref().and_then(|users| users.name_of(credentials.uid));
            if credentials.user.as_deref() != name
                && let Ok(credentials) = &mut Arc::make_mut(process).credentials
            {
                credentials.user = name.map(str::to_owned);
            }
        }
        self.known = used;
    }

    /// The users of our own root.
    pub fn own(&self) -> Option<&Users> {
        self.own.as_deref()
    }

    fn read_own(&mut self, proc: &Proc, process: Option<&Process>, ground: &Ground<'_>) {
        let Some(process) = process else { return };
        let Some(key) = key_of(process, ground) else { return };
        self.own = self.look_up(&key, proc, process, ground);
        self.known.insert(key, self.own.clone());
    }

    fn look_up(&self, key: &Key, proc: &Proc, process: &Process, ground: &Ground<'_>) -> Option<Arc<Users>> {
        if let Some(known) = self.known.get(key) {
            return known.clone();
        }
        let namespace = process.mount_ns.as_ref().ok()?;
        if !ground.answers(*namespace, &root_of(process).join(PASSWD.as_bytes())) {
            return None;
        }
        let text = proc.pid(process.pid).ok()?.read_inside(Path::new(PASSWD), PASSWD_MAX).ok()?;
        Some(Arc::new(Users::parse(&text)))
    }
}

/// Where the root is not readable, that of the namespace is by far the likeliest.
fn root_of(process: &Process) -> RawPath {
    process.root.as_ref().map_or_else(|_| RawPath::from("/"), |place| place.path.clone())
}

/// What the passwd file of a process is known by: its place on a device where the mount table tells.
fn key_of(process: &Process, ground: &Ground<'_>) -> Option<Key> {
    let namespace = *process.mount_ns.as_ref().ok()?;
    let root = root_of(process);
    let backing = ground.backing(namespace, &root.join(PASSWD.as_bytes()));
    Some(backing.map_or_else(|| Key::Root(namespace, root), |(device, path)| Key::Backing(device, path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::specimen;
    use crate::model::mount::Mount;
    use crate::model::reading::GapWhy;

    /// Our own process in namespace 1, and one of uid 0 with an unreadable root in namespace 2 on those mounts.
    fn other_name(mounts: Vec<Mount>) -> (Option<String>, Option<String>) {
        let proc = Proc::open(Path::new("/proc")).unwrap();
        let own = std::process::id();
        let mut other = specimen::process(1, 0);
        other.mount_ns = Ok(MountNs::Inode(2));
        other.root = Err(GapWhy::Denied);
        let mut table = specimen::table(vec![specimen::process(own, 0), other]);
        let all = [specimen::namespace(1, &[own], vec![]), specimen::namespace(2, &[1], mounts)];
        UserBook::default().settle(&proc, &mut table, &all, own);
        let name = |pid| table.get(pid)?.credentials.clone().ok()?.user;
        (name(own), name(1))
    }

    #[test]
    fn services_that_share_our_root_share_our_names() {
        let (own, other) = other_name(vec![]);
        if own.is_none() {
            println!("skipped: no /etc/passwd with uid 0 here");
            return;
        }
        assert_eq!(own, other, "the same file of the same file system");
    }

    #[test]
    fn nothing_is_read_where_it_may_hang() {
        let (_, other) = other_name(vec![specimen::mount(9, "/", b"/etc", "fuse.sshfs")]);
        assert_eq!(other, None);
    }
}
