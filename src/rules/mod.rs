//! Floor 1: judgement. One file per cause, one line in the registry.
//!
//! A [`Rule`] is a pure function from a snapshot to a [`Verdict`]: no clock, no I/O, thresholds are an argument. It finds
//! its cause, rules it out with figures, says what it could not see, or waits for a second look. [`diagnose`] asks all
//! of [`RULES`] and lets the most specific cause lead: a rule yields to those named in its card wherever they explain
//! the same processes at the same path, and the build log weighs what is left.
//!
//! What several rules share, by what it is about:
//!
//! | about | modules |
//! |---|---|
//! | one vantage | `place` (directory, mount, by-hand path), `way` (where it stops), `room` (how full), `rights` (who is let in) |
//! | several of them | `cohort` (one file system or directory), `spot` (one party's temp dir), `on_mount` (what one mount serves) |
//! | processes | `builds` (those that limits matter to), `scope` (groups by unit or container), `party` (whom one finding is about) |
//! | values of variables | `setting` (one value of one party), `origin` (who set it) |
//! | what is said | `evidence`, `offers` (actions), `heading` (titles), `unseen` (gaps), `unexplained`, `build_log` |
//!
//! A rule starts from whatever its cause is a fact of: a mount (`scope`), a place (`cohort`), or a value (`spot`, `setting`).

mod build_log;
mod builds;
mod cohort;
mod diagnosis;
pub mod evidence;
mod heading;
#[cfg(test)]
mod healthy;
mod offers;
mod on_mount;
mod origin;
mod party;
mod place;
mod rights;
mod room;
#[cfg(test)]
mod scenery;
pub mod scope;
mod setting;
mod spot;
#[cfg(test)]
pub mod stage;
mod unexplained;
mod unseen;
mod way;

use crate::model::finding::Finding;
use crate::model::reading::Gap;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;

pub use diagnosis::diagnose;

/// What is known about a rule before it looks.
#[derive(Debug)]
pub struct RuleCard {
    /// The id of the cause, of its runbook page and of its findings.
    pub id: &'static str,
    /// The cause in one line, for lists.
    pub title: &'static str,
    /// More specific causes: where one of them explains the same processes at the same path, this one is silent.
    pub yields_to: &'static [&'static str],
}

/// One root cause.
pub trait Rule: Sync {
    /// What is known before looking.
    fn card(&self) -> &'static RuleCard;
    /// Judges one snapshot, with an earlier one where there is one.
    fn check(&self, now: &Snapshot, before: Option<&Snapshot>, thresholds: &Thresholds) -> Verdict;
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not so, with the figures that say so.
    RuledOut(String),
    /// It is so; never empty.
    Found(Vec<Finding>),
    /// It cannot be told, and what would let it be told; never empty.
    Blind(Vec<Gap>),
    /// It takes a second look.
    Wait,
}

impl Verdict {
    /// Found where there are findings; otherwise blind where there are gaps; otherwise ruled out.
    pub fn of(found: Vec<Finding>, gaps: Vec<Gap>, because: impl FnOnce() -> String) -> Self {
        if !found.is_empty() {
            Self::Found(found)
        } else if !gaps.is_empty() {
            Self::Blind(gaps)
        } else {
            Self::RuledOut(because())
        }
    }
}

/// Declares the modules of the causes and the registry of their rules in one list.
macro_rules! registry {
    ($($module:ident::$rule:ident,)*) => {
        $(mod $module;)*
        /// Every rule, in the order in which they are asked and in which equally grave findings are shown.
        pub const RULES: &[&dyn Rule] = &[$(&$module::$rule),*];
    };
}

registry! {
    private_tmp_deleted::PrivateTmpDeleted,
    bind_source_deleted::BindSourceDeleted,
    overlay_upper_gone::OverlayUpperGone,
    private_tmp_readonly_fallback::PrivateTmpReadonlyFallback,
    tmp_mount_missing::TmpMountMissing,
    overmounted_tmp::OvermountedTmp,
    no_tmp_in_image::NoTmpInImage,
    cwd_deleted::CwdDeleted,
    tmpdir_literal_syntax::TmpdirLiteralSyntax,
    tmpdir_relative::TmpdirRelative,
    tmpdir_missing::TmpdirMissing,
    tmpdir_not_a_directory::TmpdirNotADirectory,
    tmpdir_dangling_symlink::TmpdirDanglingSymlink,
    tmpdir_symlink_loop::TmpdirSymlinkLoop,
    tmpdir_empty_string::TmpdirEmptyString,
    tmpdir_temp_tmp_disagree::TmpdirTempTmpDisagree,
    duplicate_env_entry::DuplicateEnvEntry,
    container_tmp::ContainerTmp,
    foreign_mount_namespace::ForeignMountNamespace,

    ro_after_fs_error::RoAfterFsError,
    fs_frozen_or_hung::FsFrozenOrHung,
    cargo_cached_failure::CargoCachedFailure,
    tmpfs_size::TmpfsSize,
    tmpfs_inodes::TmpfsInodes,
    reserved_blocks::ReservedBlocks,
    disk_full::DiskFull,
    inodes_exhausted::InodesExhausted,
    var_tmp_full::VarTmpFull,
    root_owned_bind_dir::RootOwnedBindDir,
    acl_deny::AclDeny,
    immutable_or_append::ImmutableOrAppend,
    tmp_wrong_mode_or_owner::TmpWrongModeOrOwner,
    ro_mount::RoMount,
    noexec_tmp::NoexecTmp,
    umask_hostile::UmaskHostile,
    rlimit_fsize::RlimitFsize,
    fd_or_task_limits::FdOrTaskLimits,
    path_too_long::PathTooLong,
    emlink::Emlink,
    dev_null_not_a_device::DevNullNotADevice,
    deleted_open_files::DeletedOpenFiles,
    leaked_temp_accumulation::LeakedTempAccumulation,
    dir_too_many_entries::DirTooManyEntries,
}
