//! Sixteen `f32` lanes on whatever vector unit the processor has.
//!
//! Every lane does the same fused multiply-adds in the same order on every unit, so results do not depend on it.
#![allow(unsafe_code)] // vector instructions and raw rows of a matrix

/// Lanes of one vector.
pub(crate) const LANES: usize = 16;

/// Sixteen `f32` values and what the kernels do with them.
///
/// # Safety
/// Callers guarantee that the processor has the instructions (they come through [`dispatch`](super::dispatch)) and that each pointer may be
/// read or written for 16 values, or for `len` where one is given.
pub(crate) trait Lanes: Copy {
    /// All zero.
    unsafe fn zero() -> Self;
    /// 16 values.
    unsafe fn load(from: *const f32) -> Self;
    /// `len` <= 16 values, then zeros.
    unsafe fn load_part(from: *const f32, len: usize) -> Self;
    /// 16 values.
    unsafe fn store(self, to: *mut f32);
    /// The first `len` <= 16 values.
    unsafe fn store_part(self, to: *mut f32, len: usize);
    /// `self + scalar * other`, rounded once.
    unsafe fn add_scaled(self, scalar: f32, other: Self) -> Self;
    /// Asks for the cache line at `at`, which need not be readable.
    unsafe fn prefetch(at: *const f32);
    /// Row i becomes column i.
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES];
}

/// Plain arrays; the compiler uses what vectors the target has by default.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Plain([f32; LANES]);

impl Lanes for Plain {
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_part(from: *const f32, len: usize) -> Self {
        let mut values = [0.0; LANES];
        // SAFETY: the trait's contract.
        unsafe { std::ptr::copy_nonoverlapping(from, values.as_mut_ptr(), len) };
        Self(values)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, len: usize) {
        // SAFETY: the trait's contract.
        unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), to, len) }
    }

    #[inline(always)]
    unsafe fn add_scaled(mut self, scalar: f32, other: Self) -> Self {
        for (sum, value) in self.0.iter_mut().zip(other.0) {
            *sum = scalar.mul_add(value, *sum);
        }
        self
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}

    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|column| Self(std::array::from_fn(|row| rows[row].0[column])))
    }
}
