//! Exit codes: reports after the monitoring plugin convention (see [`crate::model::finding::Status`]), and the rest here.

/// Why a command ends without a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Usage or bad input.
    Usage = 64,
    /// A defect of tmpmedic itself.
    Internal = 70,
    /// The output could not be written.
    Output = 74,
    /// Not now: stale plan, another instance works.
    NotNow = 75,
    /// Not permitted.
    Permission = 77,
}

/// Every exit code that a command ends with, and what it means; `--help` and README show it.
pub const CODES: &[(u8, &str)] = &[
    (0, "ok: nothing above info"),
    (1, "warning: it will or might fail"),
    (
        2,
        "critical: a runner or build process that lives now cannot create in, write to or run from its temp dir",
    ),
    (3, "unknown: it could not find out"),
    (Exit::Usage as u8, "usage or bad input; the message names it"),
    (Exit::Internal as u8, "a defect of tmpmedic"),
    (Exit::Output as u8, "the output could not be written"),
    (Exit::NotNow as u8, "not now: the plan is stale, or another tmpmedic is at work"),
    (Exit::Permission as u8, "not permitted"),
];

/// The same as lines for `--help`.
pub fn codes_help() -> String {
    let lines = CODES.iter().map(|(code, means)| format!("  {code:>2}  {means}\n"));
    format!("Exit codes:\n{}", lines.collect::<String>())
}

impl Exit {
    /// Its number.
    pub fn code(self) -> u8 {
        self as u8
    }
}
