//! Names and numbers of users, from the text of passwd and group files.
//!
//! Never through the C library's name service: the LDAP or sssd behind it may be what hangs.

/// One line of a passwd file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// The first account of that name or number. Source: passwd(5).
pub fn account_of(passwd: &[u8], name_or_uid: &str) -> Option<Account> {
    let uid = name_or_uid.parse().ok();
    let accounts = || passwd.split(|byte| *byte == b'\n').filter_map(account);
    let by_name = accounts().find(|account| account.name == name_or_uid);
    by_name.or_else(|| accounts().find(|account| Some(account.uid) == uid))
}

/// The groups of which that user is a member, ascending. Source: group(5).
pub fn groups_of(group: &[u8], account: &Account) -> Vec<u32> {
    let mut groups = vec![account.gid];
    for line in group.split(|byte| *byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let [_, _, gid, members] = fields.as_slice() else { continue };
        let is_member = members.split(|byte| *byte == b',').any(|member| member == account.name.as_bytes());
        if let Some(gid) = number(gid)
            && is_member
        {
            groups.push(gid);
        }
    }
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn account(line: &[u8]) -> Option<Account> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = String::from_utf8(fields.next()?.to_vec()).ok()?;
    let uid = number(fields.nth(1)?)?;
    let gid = number(fields.next()?)?;
    Some(Account { name, uid, gid })
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] =
        b"root:x:0:0:root:/root:/bin/sh\n\xff\xfe:x:7:7::/:/bin/sh\nrunner:x:1000:100::/home/runner:\n\
        +::::::\n1000:x:2000:2000::/:/bin/sh\nbroken\n";

    #[test]
    fn finds_an_account_by_name_before_number() {
        assert_eq!(account_of(PASSWD, "runner").unwrap().uid, 1000);
        assert_eq!(account_of(PASSWD, "0").unwrap().name, "root");
        assert_eq!(account_of(PASSWD, "1000").unwrap().uid, 2000, "a name of digits is a name");
        assert_eq!(account_of(PASSWD, "nobody"), None);
    }

    #[test]
    fn lists_primary_and_other_groups() {
        let runner = account_of(PASSWD, "runner").unwrap();
        let group = b"users:x:100:\ndocker:x:998:alice,runner\nrun:x:5:runner2\nadm:x:4:runner\nbroken\nx:x:y:runner\n";
        assert_eq!(groups_of(group, &runner), [4, 100, 998]);
        assert_eq!(groups_of(b"", &runner), [100]);
    }
}
