//! The heap where the address space is limited (`ulimit -v`, RLIMIT_AS).

use rustix::process::{Resource, getrlimit};

/// Lets all threads share one heap where the address space is limited. glibc reserves 64 MiB for each thread's own; where it
/// gets none, every piece that a thread asks for takes a whole page. Source: mallopt(3); malloc/arena.c of glibc.
pub fn share_where_space_is_limited() {
    if getrlimit(Resource::As).current.is_none() {
        return;
    }
    #[cfg(target_env = "gnu")]
    {
        use nix::libc;
        #[expect(unsafe_code, reason = "neither rustix nor nix has mallopt")]
        // SAFETY: takes numbers only; no other thread runs yet.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}
