//! What a site asks of every clean-up, whoever starts it.

use serde::Deserialize;

use crate::model::units::Seconds;

/// The table `[clean]` of a site's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanPolicy {
    /// Nothing goes that is younger, whatever the user asks for.
    pub min_age_s: Seconds,
    /// After so long it is proposed to free what was put aside; `purge` takes no less unasked.
    pub purge_after_s: Seconds,
}

impl Default for CleanPolicy {
    /// A week: whoever misses something, misses it by then.
    fn default() -> Self {
        Self { min_age_s: Seconds(0), purge_after_s: Seconds(7 * 86_400) }
    }
}
