//! Who acts, and the names of users.

use std::path::Path;

use crate::probe::account_of;
use crate::sys::plainfile;
use crate::sys::procfile::Proc;

/// As the kernel writes a login that nobody made. Source: proc_pid_loginuid(5).
const NOBODY_LOGGED_IN: u32 = u32::MAX;

/// Who acts, and in which boot.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The uid that we act as.
    pub uid: u32,
    /// The login behind it.
    pub login_uid: Option<u32>,
    /// The boot.
    pub boot_id: String,
}

impl Actor {
    /// As this process is.
    pub fn find() -> Self {
        let proc = Proc::open(Path::new("/proc")).ok();
        let boot = proc.as_ref().and_then(|proc| proc.read("sys/kernel/random/boot_id", 64).ok());
        let login = proc.and_then(|proc| proc.own().ok()?.read("loginuid", 32).ok());
        let text = |bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).unwrap_or_default()
        };
        Self {
            uid: rustix::process::geteuid().as_raw(),
            login_uid: text(login).parse().ok().filter(|uid| *uid != NOBODY_LOGGED_IN),
            boot_id: text(boot),
        }
    }
}

/// Names of users, by the passwd file, as text.
#[derive(Debug, Default)]
pub struct Names {
    passwd: Vec<u8>,
}

impl Names {
    /// Reads the file; without it a user is a number.
    pub fn read() -> Self {
        Self { passwd: plainfile::read(Path::new("/etc/passwd"), 4 << 20).unwrap_or_default() }
    }

    /// The name, or the number where it has none.
    pub fn of(&self, uid: u32) -> String {
        let number = uid.to_string();
        let account = account_of(&self.passwd, &number).filter(|account| account.uid == uid);
        account.map_or(number, |account| account.name)
    }

    /// The number of a user, by name or number.
    pub fn uid_of(&self, name: &str) -> Option<u32> {
        account_of(&self.passwd, name).map(|account| account.uid).or_else(|| name.parse().ok())
    }
}
