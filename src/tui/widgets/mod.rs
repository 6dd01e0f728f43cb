//! What is drawn on a tab or in a sheet: tables, a matrix, texts, frames, gauges, sparklines.
//!
//! Widgets know glyphs and tones, no domain word.

pub mod doc;
pub mod frame;
pub mod gauge;
pub mod matrix;
pub mod rows;
pub mod spark;
