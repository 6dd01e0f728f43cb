//! tmpmedic
pub mod catalog;
pub mod cli;
pub mod collect;
pub mod exit;
pub mod model;
pub mod rules;
pub mod sys;
