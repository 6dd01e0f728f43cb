//! What `--version` says: version, commit and target.

use std::sync::OnceLock;

static LONG: OnceLock<String> = OnceLock::new();

/// `0.1.0 (commit 1a2b3c4d5e6f, x86_64-linux-gnu)`; the commit only where the build knew it.
pub fn long() -> &'static str {
    LONG.get_or_init(|| {
        let commit = option_env!("TMPMEDIC_COMMIT").filter(|commit| !commit.is_empty());
        let commit = commit.map_or_else(String::new, |commit| format!("commit {commit}, "));
        format!("{} ({commit}{})", env!("CARGO_PKG_VERSION"), target())
    })
}

fn target() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    format!("{}-{}-{libc}", std::env::consts::ARCH, std::env::consts::OS)
}
