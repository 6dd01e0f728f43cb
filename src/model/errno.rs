//! Error numbers with the names and texts by which engineers know them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An errno of Linux; serialised by its name (`"ENOENT"`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Self = Self($code);)*
        }
        /// Number, name, and the text that the C library prints for it.
        const TABLE: &[(i32, &str, &str)] = &[$(($code, stringify!($name), $text)),*];
    };
}

errnos! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such file or directory";
    ESRCH = 3, "No such process";
    EINTR = 4, "Interrupted system call";
    EIO = 5, "Input/output error";
    ENXIO = 6, "No such device or address";
    E2BIG = 7, "Argument list too long";
    ENOEXEC = 8, "Exec format error";
    EBADF = 9, "Bad file descriptor";
    ECHILD = 10, "No child processes";
    EAGAIN = 11, "Resource temporarily unavailable";
    ENOMEM = 12, "Cannot allocate memory";
    EACCES = 13, "Permission denied";
    EFAULT = 14, "Bad address";
    EBUSY = 16, "Device or resource busy";
    EEXIST = 17, "File exists";
    EXDEV = 18, "Invalid cross-device link";
    ENODEV = 19, "No such device";
    ENOTDIR = 20, "Not a directory";
    EISDIR = 21, "Is a directory";
    EINVAL = 22, "Invalid argument";
    ENFILE = 23, "Too many open files in system";
    EMFILE = 24, "Too many open files";
    ENOTTY = 25, "Inappropriate ioctl for device";
    ETXTBSY = 26, "Text file busy";
    EFBIG = 27, "File too large";
    ENOSPC = 28, "No space left on device";
    ESPIPE = 29, "Illegal seek";
    EROFS = 30, "Read-only file system";
    EMLINK = 31, "Too many links";
    EPIPE = 32, "Broken pipe";
    ERANGE = 34, "Numerical result out of range";
    ENAMETOOLONG = 36, "File name too long";
    ENOSYS = 38, "Function not implemented";
    ENOTEMPTY = 39, "Directory not empty";
    ELOOP = 40, "Too many levels of symbolic links";
    ENODATA = 61, "No data available";
    EOVERFLOW = 75, "Value too large for defined data type";
    EOPNOTSUPP = 95, "Operation not supported";
    ENOTCONN = 107, "Transport endpoint is not connected";
    ETIMEDOUT = 110, "Connection timed out";
    ECONNREFUSED = 111, "Connection refused";
    EHOSTDOWN = 112, "Host is down";
    ESTALE = 116, "Stale file handle";
    EDQUOT = 122, "Disk quota exceeded";
}

impl Errno {
    /// `ENOENT`, or `E131` for one without a name here.
    pub fn name(self) -> String {
        TABLE
            .iter()
            .find(|row| row.0 == self.0)
            .map_or_else(|| format!("E{}", self.0), |row| row.1.to_owned())
    }

    /// The text of the C library.
    pub fn text(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self.0).map_or("Unknown error", |row| row.2)
    }

    /// The errno of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = TABLE.iter().find(|row| row.1 == name).map(|row| Self(row.0));
        known.or_else(|| name.strip_prefix('E').and_then(|digits| digits.parse().ok()).map(Self))
    }

    /// The errno whose C library text occurs in `text`, whatever its case; the longest text wins.
    pub fn from_message(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let hit = |row: &&(i32, &str, &str)| text.contains(&row.2.to_ascii_lowercase());
        TABLE.iter().filter(hit).max_by_key(|row| row.2.len()).map(|row| Self(row.0))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.text())
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl From<std::io::Error> for Errno {
    /// An error without a number (a closed pipe read to its end) counts as EIO.
    fn from(error: std::io::Error) -> Self {
        error.raw_os_error().map_or(Self::EIO, Self)
    }
}

impl Serialize for Errno {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Errno {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| de::Error::custom(format!("`{name}` is not the name of an errno")))
    }
}
