//! Where a process stands in the kernel: in which state, in which function it sleeps, and who called that.

use serde::{Deserialize, Serialize};

/// What a writer to a frozen file system sleeps in on kernels that name it.
const THAW: [&str; 2] = ["mnt_want_write", "sb_start_"];
/// Who calls the lock of a freeze. The same lock, with the same wait channel, holds up every fork and exec while a process
/// moves between cgroups, so the channel alone proves nothing.
const WRITERS: [&str; 12] = [
    "mnt_want_write",
    "sb_start_",
    "file_start_write",
    "vfs_write",
    "do_iter_readv_writev",
    "do_iter_write",
    "vfs_fallocate",
    "do_sys_ftruncate",
    "do_ftruncate",
    "ext4_",
    "xfs_",
    "btrfs_",
];
/// What a caller of a file system sleeps in, or came through, whose server or daemon does not answer.
const SERVER: [&str; 10] = [
    "request_wait_answer",
    "fuse_",
    "rpc_wait_bit",
    "nfs",
    "wait_for_response",
    "cifs_",
    "smb2_",
    "p9_client",
    "autofs_wait",
    "ceph_",
];
/// The lock itself: a frozen file system, and a fork held up by a cgroup, both sleep in it.
const LOCK: &str = "percpu_";

/// Where a process stands in the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// One letter: R, S, D, Z, T …; `?` where it could not be read.
    pub state: char,
    /// The function that it sleeps in.
    pub wait_channel: Option<String>,
    /// The functions of its kernel stack, innermost first; empty where it may not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
}

/// What a process waits for, as far as where it stands tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For a frozen file system to be thawed.
    Thaw,
    /// For the server or daemon of a file system.
    Server,
    /// For a lock of many uses, and the stack that would say which may not be read.
    Lock,
    /// For something else, in uninterruptible sleep: a disk, a page.
    Deep,
    /// For nothing of a file system: it runs, is about to, or is late for another reason.
    Other,
}

impl Standing {
    /// What it waits for.
    pub fn wait(&self) -> Wait {
        wait(self.state, self.wait_channel.as_deref(), &self.stack)
    }

    /// `D in percpu_rwsem_wait, called by mnt_want_write`.
    pub fn shown(&self) -> String {
        shown(self.state, self.wait_channel.as_deref(), &self.stack)
    }
}

/// What a process waits for. Callers of a server also sleep lightly, and then only the function says so.
pub fn wait(state: char, channel: Option<&str>, stack: &[String]) -> Wait {
    let mut functions = channel.into_iter().chain(stack.iter().map(String::as_str));
    let asleep = matches!(state, 'D' | 'S');
    if asleep && functions.clone().any(|f| is_one_of(f, &SERVER)) {
        return Wait::Server;
    }
    if state != 'D' {
        return Wait::Other;
    }
    match channel {
        Some(channel) if is_one_of(channel, &THAW) => Wait::Thaw,
        Some(channel) if is_lock(channel) => match functions.find(|f| !is_lock(f)) {
            Some(caller) if is_one_of(caller, &WRITERS) => Wait::Thaw,
            Some(_) => Wait::Other,
            None => Wait::Lock,
        },
        _ => Wait::Deep,
    }
}

/// State and function in a few words, with the caller where the function alone says little.
pub fn shown(state: char, channel: Option<&str>, stack: &[String]) -> String {
    let channel = channel.or_else(|| stack.first().map(String::as_str));
    let caller = stack.iter().find(|f| !is_lock(f)).filter(|_| channel.is_some_and(is_lock));
    match (channel, caller) {
        (Some(channel), Some(caller)) => format!("{state} in {channel}, called by {caller}"),
        (Some(channel), None) => format!("{state} in {channel}"),
        (None, _) => state.to_string(),
    }
}

fn is_lock(function: &str) -> bool {
    function.trim_start_matches('_').starts_with(LOCK)
}

fn is_one_of(function: &str, names: &[&str]) -> bool {
    let bare = function.trim_start_matches('_');
    names.iter().any(|name| bare.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(state: char, functions: &[&str]) -> Wait {
        let stack: Vec<String> = functions.iter().map(|f| (*f).to_owned()).collect();
        wait(state, functions.first().copied(), &stack)
    }

    #[test]
    fn tells_a_freeze_from_a_fork_that_sleeps_in_the_same_function() {
        // Linux 6.18: mkdir, write and a page fault on a frozen ext4; a fork and a move while a cgroup is being moved.
        assert_eq!(told('D', &["percpu_rwsem_wait", "mnt_want_write", "filename_create"]), Wait::Thaw);
        assert_eq!(
            told('D', &["percpu_rwsem_wait", "__percpu_down_read", "vfs_write", "ksys_write"]),
            Wait::Thaw
        );
        assert_eq!(told('D', &["percpu_rwsem_wait", "ext4_page_mkwrite", "do_page_mkwrite"]), Wait::Thaw);
        assert_eq!(told('D', &["percpu_rwsem_wait", "cgroup_can_fork", "copy_process"]), Wait::Other);
        let moving = ["percpu_rwsem_wait", "percpu_down_write", "cgroup_procs_write_start", "vfs_write"];
        assert_eq!(told('D', &moving), Wait::Other);
        assert_eq!(wait('D', Some("percpu_rwsem_wait"), &[]), Wait::Lock, "the channel alone proves nothing");
    }

    #[test]
    fn tells_what_is_held_from_what_is_only_late() {
        assert_eq!(told('D', &["fuse_get_req", "__fuse_simple_request"]), Wait::Server);
        assert_eq!(told('S', &["request_wait_answer", "__fuse_simple_request"]), Wait::Server);
        assert_eq!(told('D', &["rwsem_down_write_slowpath", "fuse_lookup"]), Wait::Server);
        assert_eq!(told('D', &["kernfs_iop_permission"]), Wait::Deep, "no nfs");
        assert_eq!(told('D', &["jbd2_log_wait_commit"]), Wait::Deep);
        for state in ['R', 'S', 'T', 'Z', '?'] {
            assert_eq!(told(state, &["do_wait"]), Wait::Other, "{state}");
        }
    }

    #[test]
    fn names_the_caller_where_the_function_says_little() {
        let frozen = Standing {
            state: 'D',
            wait_channel: Some("percpu_rwsem_wait".to_owned()),
            stack: vec!["percpu_rwsem_wait".to_owned(), "mnt_want_write".to_owned()],
        };
        assert_eq!(frozen.shown(), "D in percpu_rwsem_wait, called by mnt_want_write");
        assert_eq!(Standing { stack: vec![], ..frozen }.shown(), "D in percpu_rwsem_wait");
    }
}
