//! Where a process stands in the kernel, read from procfs: its state, the function it sleeps in, the stack above that.
//! Called by `collect::processes`, and by `sys::helper` for a helper that is late.

use std::io;
use std::path::Path;

use crate::sys::procfile::{PidDir, Proc};

/// One line; a stack has at most 64 of them.
const MOST: usize = 16 << 10;
/// The functions that say whom it waits for are the innermost.
const FRAMES: usize = 12;

/// Where a process stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// One letter, `D` for uninterruptible sleep.
    pub state: char,
    /// The function that it sleeps in, where the kernel says.
    pub wait_channel: Option<String>,
    /// The functions of its kernel stack, innermost first; empty where it may not be read.
    pub stack: Vec<String>,
}

/// Where a child of ours stands. `None` where our `/proc` is not of our PID namespace, so that it numbers another process so.
pub fn of_child(pid: u32) -> Option<Standing> {
    let proc = Proc::open(Path::new("/proc")).ok()?;
    let dir = proc.pid(pid).ok()?;
    let line = dir.read("stat", MOST).ok()?;
    // The name in brackets may hold blanks and brackets. Source: proc_pid_stat(5).
    let rest = line.iter().rposition(|b| *b == b')').and_then(|at| line.get(at + 1..))?;
    let mut fields = rest.split(|b| *b == b' ').filter(|field| !field.is_empty());
    let state = char::from(*fields.next()?.first()?);
    let parent: u32 = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let ours = proc.own_pid().is_ok_and(|own| own == parent);
    ours.then(|| Standing { state, wait_channel: wait_channel(&dir).ok().flatten(), stack: stack(&dir) })
}

/// The function that a process sleeps in; `None` where it runs, or the kernel does not say.
///
/// # Errors
/// What open(2) and read(2) answer.
pub fn wait_channel(dir: &PidDir) -> io::Result<Option<String>> {
    let name = dir.read("wchan", MOST)?;
    let name = name.trim_ascii();
    Ok((!name.is_empty() && name != b"0").then(|| name.escape_ascii().to_string()))
}

/// The innermost functions of its kernel stack; none where it may not be read: only root may.
pub fn stack(dir: &PidDir) -> Vec<String> {
    let text = dir.read("stack", MOST).unwrap_or_default();
    text.split(|b| *b == b'\n').filter_map(function).take(FRAMES).collect()
}

/// `mnt_want_write` of `[<0>] mnt_want_write+0x96/0xc0`.
fn function(line: &[u8]) -> Option<String> {
    let word = line.split(|b| *b == b' ').nth(1)?;
    let name = word.split(|b| *b == b'+').next()?;
    (!name.is_empty()).then(|| name.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_function_out_of_a_line_of_a_stack() {
        assert_eq!(function(b"[<0>] mnt_want_write+0x96/0xc0").as_deref(), Some("mnt_want_write"));
        assert_eq!(function(b"[<0>] fuse_get_req+0x1ce/0x2b0 [fuse]").as_deref(), Some("fuse_get_req"));
        assert_eq!(function(b""), None);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the child that is looked at")]
    fn sees_where_a_child_stands_and_takes_no_stranger_for_one() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let seen = of_child(child.id()).unwrap();
        assert!(matches!(seen.state, 'R' | 'S' | 'D'), "{seen:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(of_child(std::process::id()), None, "we are no child of ours");
    }
}
