//! What computing took.

use flooding_core::config::TableId;

use crate::definition::table;

table! {
    "compute" version 2,
    /// The runs of one table of the paper that one machine made, and what they took. Hours are cut to whole
    /// ones: those of a short run are 0 on every machine, however busy, so that its tables are the same wherever and
    /// whenever it is repeated.
    pub struct ComputeRow {
        /// table of the paper; empty for other settings
        table: Option<TableId> => "",
        /// `cpu` or the GPU's name
        device: String => "",
        /// the processor's name and the vector instructions used
        processor: String => "",
        /// processor cores; empty where they were not recorded
        cores: Option<u32> => "cores",
        /// main memory; empty where it was not recorded
        memory: Option<u32> => "GiB",
        /// complete runs
        runs: u64 => "runs",
        /// hours of one core (or of one GPU) that training them took, what levels share counted once
        hours: u64 => "h",
        /// hours during which at least one of them was in progress; empty where it was not recorded when they ended
        elapsed_hours: Option<u64> => "h",
    }
}
