//! What of CUDA's driver needs no CUDA to be built and tested.

pub(crate) mod codes;
pub(crate) mod search;
pub(crate) mod watch;
