//! Every statement that is not a literal, and how names and values are quoted in it.

pub(super) mod mysql;
pub(super) mod postgres;
