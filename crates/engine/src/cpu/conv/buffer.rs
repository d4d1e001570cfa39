//! Buffers that are used again from step to step instead of going back to the allocator.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::allocation::reserve;
use crate::simd::lanes::LANES;

/// A cache line of numbers; buffers start on one.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

thread_local! {
    /// Buffers that this thread has no use for at the moment.
    static SPARE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// `len` numbers on a cache-line boundary. On drop the memory waits in its thread for the next buffer that fits.
pub(super) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// Numbers of unspecified value.
    pub(super) fn scratch(len: usize) -> Self {
        let needed = len.div_ceil(LANES);
        let found = SPARE.with_borrow_mut(|spare| {
            let fits = |capacity: usize| capacity >= needed && capacity <= 2 * needed + 64;
            let best = (0..spare.len()).filter(|&i| fits(spare[i].capacity())).min_by_key(|&i| spare[i].capacity());
            best.map(|i| spare.swap_remove(i))
        });
        let mut lines = found.unwrap_or_default();
        let missing = needed.saturating_sub(lines.len());
        reserve(&mut lines, missing);
        // Values of an earlier use stay; only what was never used is written.
        lines.resize(needed, Line([0.0; LANES]));
        Self { lines, len }
    }

    /// Zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let mut buffer = Self::scratch(len);
        buffer.fill(0.0);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [f32];

    #[allow(unsafe_code)] // a line is 16 numbers without padding
    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` initialised numbers, one after another.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    #[allow(unsafe_code)] // as above
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // While the thread ends its list may be gone; then the memory simply goes.
        let _ = SPARE.try_with(|spare| spare.borrow_mut().push(lines));
    }
}

/// Gives this thread's unused buffers back to the allocator; worth calling when a training run is over.
pub fn release_buffers() {
    SPARE.with_borrow_mut(Vec::clear);
}
