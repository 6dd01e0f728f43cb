//! User names by the text of passwd(5).
//!
//! Never through NSS: it opens sockets and starts threads, and sssd or LDAP may be what hangs.

use std::collections::BTreeMap;

use crate::collect::parse::{decimal, lines};

/// The users of one passwd file; where an id or a name occurs twice, the first line counts, as in getpwuid(3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    names: BTreeMap<u32, String>,
    ids: BTreeMap<String, u32>,
}

impl Users {
    /// Parses a passwd file; lines of another form are passed over.
    pub fn parse(text: &[u8]) -> Self {
        let mut out = Self::default();
        for (name, uid) in lines(text).filter_map(parse_line) {
            out.names.entry(uid).or_insert_with(|| name.to_owned());
            out.ids.entry(name.to_owned()).or_insert(uid);
        }
        out
    }

    /// The name of a uid.
    pub fn name_of(&self, uid: u32) -> Option<&str> {
        self.names.get(&uid).map(String::as_str)
    }

    /// The uid of a name, or of digits that are no name.
    pub fn uid_of(&self, user: &str) -> Option<u32> {
        self.ids.get(user).copied().or_else(|| user.parse().ok())
    }
}

fn parse_line(line: &[u8]) -> Option<(&str, u32)> {
    let mut fields = line.split(|b| *b == b':');
    let name = std::str::from_utf8(fields.next()?).ok().filter(|name| !name.is_empty())?;
    let uid = u32::try_from(decimal(fields.nth(1)?)?).ok()?;
    fields.next()?;
    Some((name, uid))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_line_of_an_id_counts() {
        let users = Users::parse(b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\n# no:x\n+::::::\nrunner:x:1000:1000:R:/home/r:/bin/sh\n7:x:9:9\n");
        assert_eq!(users.name_of(0), Some("root"));
        assert_eq!(
            (users.uid_of("toor"), users.uid_of("runner"), users.uid_of("1000")),
            (Some(0), Some(1000), Some(1000))
        );
        assert_eq!(users.uid_of("7"), Some(9), "a name of digits is a name first");
        assert_eq!((users.name_of(1), users.uid_of("nobody")), (None, None));
    }

    proptest! {
        #[test]
        fn never_panics(text: Vec<u8>) {
            Users::parse(&text);
        }

        #[test]
        fn reads_back_users(uid: u32, name in "[a-z_][a-z0-9_-]{0,30}") {
            let users = Users::parse(format!("{name}:x:{uid}:5::/:/bin/sh\n").as_bytes());
            prop_assert_eq!(users.name_of(uid), Some(name.as_str()));
            prop_assert_eq!(users.uid_of(&name), Some(uid));
        }
    }
}
