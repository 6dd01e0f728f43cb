//! tmpmedic
fn main() {}
