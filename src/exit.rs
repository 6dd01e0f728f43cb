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

impl Exit {
    /// Its number.
    pub fn code(self) -> u8 {
        self as u8
    }
}
