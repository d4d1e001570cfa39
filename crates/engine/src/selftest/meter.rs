//! The largest memory that something takes.

use super::timing::Meter;

/// Of this process, as Linux tells it.
pub(super) struct OfProcess;

impl Meter for OfProcess {
    fn peak<T>(&self, work: &mut dyn FnMut() -> T) -> (T, Option<u64>) {
        // Forgets the peak so far (proc(5), clear_refs); where that is refused, the peak since the start is reported.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        (work(), peak_so_far())
    }
}

fn peak_so_far() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

/// Of a CUDA device.
#[cfg(feature = "cuda")]
pub(super) struct OfDevice {
    pub(super) ordinal: usize,
}

#[cfg(feature = "cuda")]
impl Meter for OfDevice {
    fn peak<T>(&self, work: &mut dyn FnMut() -> T) -> (T, Option<u64>) {
        let (result, bytes) = crate::cuda::watching_memory(self.ordinal, work);
        (result, bytes.map(|bytes| bytes >> 20))
    }
}
