//! What somebody meant who mistyped an id.

/// Up to three of the ids that differ little from what was asked for, the nearest first.
pub fn nearest<'a>(asked: &str, ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = asked.len() / 3 + 1;
    let mut near: Vec<(usize, &str)> = ids
        .map(|id| (distance(asked, id), id))
        .filter(|(far, id)| *far <= limit || asked.len() > 2 && id.contains(asked))
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, id)| id).collect()
}

/// The same as a question, in front of which a semicolon stands; nothing where no id is near.
pub fn question<'a>(asked: &str, ids: impl Iterator<Item = &'a str>) -> String {
    let near: Vec<String> = nearest(asked, ids).into_iter().map(|id| format!("`{id}`")).collect();
    if near.is_empty() { String::new() } else { format!(" did you mean {}?", near.join(" or ")) }
}

/// Levenshtein's distance, by bytes: ids are ASCII.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, l) in left.bytes().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = vec![before];
        for (r, old) in right.bytes().zip(row.iter().skip(1)) {
            before = (before + 1).min(old + 1).min(diagonal + usize::from(l != r));
            diagonal = *old;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 4] = ["disk-full", "var-tmp-full", "private-tmp-deleted", "emlink"];

    #[test]
    fn counts_edits() {
        assert_eq!(distance("disk-full", "disk-full"), 0);
        assert_eq!(distance("disk-ful", "disk-full"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn suggests_what_was_meant() {
        assert_eq!(nearest("private-tmp-delete", IDS.into_iter()), ["private-tmp-deleted"]);
        assert_eq!(nearest("full", IDS.into_iter()), ["disk-full", "var-tmp-full"]);
        assert_eq!(question("emlnk", IDS.into_iter()), " did you mean `emlink`?");
    }

    #[test]
    fn is_silent_where_nothing_is_near() {
        assert_eq!(question("xyzzy-nothing-like-it-at-all-whatsoever", IDS.into_iter()), "");
        assert_eq!(question("", IDS.into_iter()), "");
    }
}
