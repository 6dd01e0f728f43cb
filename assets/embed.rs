//! Build script: embeds the runbook pages and the scenarios as tables sorted by id.
//!
//! Writes `$OUT_DIR/runbook.rs`, one row `(id, text)` for each `assets/runbook/*.md`, and `$OUT_DIR/scenarios.rs` for
//! each `assets/scenarios/*.toml`, and `$OUT_DIR/captures.rs` for what was recorded of them; `catalog::runbook` and
//! `catalog::scenarios` include them. A page or a scenario is thus added by adding its file.
#![expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
#![expect(clippy::disallowed_methods, reason = "cargo hands OUT_DIR over as a variable")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    println!("cargo::rerun-if-changed=assets/embed.rs");
    if let Some(commit) = commit(&root) {
        println!("cargo::rustc-env=TMPMEDIC_COMMIT={commit}");
    }
    for (name, extension) in [("runbook", "md"), ("scenarios", "toml")] {
        println!("cargo::rerun-if-changed=assets/{name}");
        let rows = table(&root.join("assets").join(name), extension, "include_str")?;
        fs::write(out.join(name).with_extension("rs"), rows)?;
    }
    println!("cargo::rerun-if-changed=assets/captures");
    fs::write(out.join("captures.rs"), table(&root.join("assets/captures"), "tmpmedic", "include_bytes")?)
}

/// The commit that this is built from, in twelve digits; nothing outside a checkout. Read from the files of git, which
/// itself may be missing.
fn commit(root: &Path) -> Option<String> {
    let dot_git = root.join(".git");
    // In a linked worktree it is a file that names the directory.
    let link = fs::read_to_string(&dot_git).ok();
    let git = link.and_then(|text| Some(root.join(text.strip_prefix("gitdir: ")?.trim()))).unwrap_or(dot_git);
    let common =
        fs::read_to_string(git.join("commondir")).map_or_else(|_| git.clone(), |path| git.join(path.trim()));
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    println!("cargo::rerun-if-changed={}", git.join("HEAD").display());
    let Some(name) = head.trim().strip_prefix("ref: ") else { return digits(&head) };
    if let Ok(hash) = fs::read_to_string(common.join(name)) {
        println!("cargo::rerun-if-changed={}", common.join(name).display());
        return digits(&hash);
    }
    let packed = fs::read_to_string(common.join("packed-refs")).ok()?;
    packed.lines().find_map(|line| line.strip_suffix(name)).and_then(digits)
}

fn digits(hash: &str) -> Option<String> {
    let hash = hash.trim();
    hash.bytes().all(|b| b.is_ascii_hexdigit()).then(|| hash.chars().take(12).collect())
}

/// The rows as Rust source. Including makes cargo rebuild when the text of a page changes.
fn table(dir: &Path, extension: &str, include: &str) -> io::Result<String> {
    let mut pages: Vec<PathBuf> = match fs::read_dir(dir) {
        // git keeps no folder without files: nothing was recorded yet.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        entries => entries?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>()?,
    };
    pages.retain(|path| path.extension().is_some_and(|ext| ext == extension));
    pages.sort();
    let mut rows = String::from("&[\n");
    for page in pages {
        let id = page.file_stem().unwrap_or_default().to_string_lossy();
        let path = page.to_string_lossy();
        writeln!(rows, "    ({id:?}, {include}!({path:?})),").map_err(io::Error::other)?;
    }
    rows.push_str("]\n");
    Ok(rows)
}
