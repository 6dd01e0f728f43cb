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
