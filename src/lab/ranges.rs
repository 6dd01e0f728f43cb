//! Ranges of ids that users may give away. Source: subuid(5).

/// Those of users.
pub(super) const SUBUID: &str = "/etc/subuid";
/// Those of groups.
pub(super) const SUBGID: &str = "/etc/subgid";
/// The highest id that scenarios use, the overflow id included.
const ENOUGH: u32 = 65_535;

/// The first range of the file that belongs to that user and reaches far enough: its first id and its length.
pub(super) fn granted(file: &str, uid: u32) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string(file).ok()?;
    let name = name_of(uid);
    granted_in(&text, uid, name.as_deref())
}

fn granted_in(text: &str, uid: u32, name: Option<&str>) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let [owner, first, count] = line.split(':').collect::<Vec<_>>()[..] else { return None };
        let is_ours = owner == uid.to_string() || Some(owner) == name;
        let (first, count): (u32, u32) = (first.parse().ok()?, count.trim().parse().ok()?);
        (is_ours && count >= ENOUGH).then_some((first, count))
    })
}

fn name_of(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == uid.to_string()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_found_by_name_or_number_and_only_if_it_is_long_enough() {
        let text = "alice:100000:65536\n1001:200000:65536\nbob:1:10\n";
        assert_eq!(granted_in(text, 7, Some("alice")), Some((100_000, 65_536)));
        assert_eq!(granted_in(text, 1001, None), Some((200_000, 65_536)));
        assert_eq!(granted_in(text, 8, Some("bob")), None, "ten ids are not enough");
    }
}
