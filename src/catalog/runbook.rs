//! The runbook: one page a cause, embedded from `assets/runbook/*.md` by the build script.
//!
//! Called by `explain`, the console and the law tests.

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The id of the cause: the page's file name without `.md`.
    pub id: &'static str,
    /// Its first heading.
    pub title: &'static str,
    /// The whole text, heading included, as Markdown.
    pub body: &'static str,
}

impl Page {
    /// What people try first, and what does not help.
    pub fn in_vain(&self) -> Vec<String> {
        let section = self.body.lines().skip_while(|line| *line != "## What does not help").skip(1);
        let mut all: Vec<String> = Vec::new();
        for line in section.take_while(|line| !line.starts_with("## ")) {
            match (line.strip_prefix("- "), all.last_mut()) {
                (Some(first), _) => all.push(first.to_owned()),
                // A sentence below the list is about something else.
                (None, Some(last)) if line.starts_with("  ") => {
                    last.push(' ');
                    last.push_str(line.trim());
                }
                _ => {}
            }
        }
        all.iter().map(|text| text.replace("**", "")).collect()
    }
}

/// Id and text of each page, ascending by id.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbook.rs"));

/// The page of that id.
pub fn page(id: &str) -> Option<Page> {
    pages().find(|page| page.id == id)
}

/// All pages, ascending by id.
pub fn pages() -> impl Iterator<Item = Page> {
    TEXTS.iter().map(|&(id, body)| Page { id, title: title(body), body })
}

fn title(body: &'static str) -> &'static str {
    body.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_by_the_id_of_its_cause() {
        let page = page("private-tmp-deleted").expect("its file is there");
        assert_eq!(page.title, "The directory behind a service's private /tmp was removed");
        assert!(page.body.contains("//deleted"));
    }

    #[test]
    fn every_page_says_what_does_not_help() {
        for page in pages() {
            assert!(!page.in_vain().is_empty(), "{}", page.id);
        }
        let of = page("leaked-temp-accumulation").unwrap().in_vain();
        assert!(of[0].ends_with("kept an old mtime from their archive."), "{of:?}");
        assert!(of[1].starts_with("Removing by name alone"), "{of:?}");
    }

    #[test]
    fn an_unknown_id_has_no_page() {
        assert_eq!(page("no-such-cause"), None);
    }

    #[test]
    fn every_page_has_a_title_and_the_sections_of_a_runbook() {
        for page in pages() {
            assert!(!page.title.is_empty(), "{} has no heading", page.id);
            for section in ["## What you see", "## Why", "## Confirm by hand", "## What helps", "## Sources"]
            {
                assert!(
                    page.body.lines().any(|line| line.starts_with(section)),
                    "{} lacks `{section}`",
                    page.id
                );
            }
        }
    }
}
