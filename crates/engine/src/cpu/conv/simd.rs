//! Sixteen `f32` lanes on whatever vector unit the processor has, chosen at run time.
//!
//! Every lane does the same fused multiply-adds in the same order on every unit, so results do not depend on it.
#![allow(unsafe_code)] // vector instructions and raw rows of a matrix

#[cfg(target_arch = "x86_64")]
use crate::simd::{Level, level};

/// Lanes of one vector.
pub(super) const LANES: usize = 16;

/// Sixteen `f32` values and what the kernels do with them.
///
/// # Safety
/// Callers guarantee that the processor has the instructions (they come through [`run`]) and that each pointer may be
/// read or written for 16 values, or for `len` where one is given.
pub(super) trait Lanes: Copy {
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

/// A computation that is compiled once for each vector unit.
pub(super) trait Kernel {
    /// Does it. Implementations are `#[inline(always)]`, so that they take on the caller's instruction set.
    fn run<L: Lanes>(self);
}

/// Runs the kernel on the widest unit that this processor has.
pub(super) fn run(kernel: impl Kernel) {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has found these instructions on this processor.
        Level::Avx512 => return unsafe { x86::run_512(kernel) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { x86::run_256(kernel) },
        Level::Baseline => {}
    }
    kernel.run::<Portable>();
}

/// Plain arrays; the compiler uses what vectors the target has by default.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Portable([f32; LANES]);

impl Lanes for Portable {
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

#[cfg(target_arch = "x86_64")]
mod x86 {
    #[allow(clippy::wildcard_imports)] // a vocabulary
    use std::arch::x86_64::*;

    use super::{Kernel, LANES, Lanes, Portable};

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    pub(super) fn run_512(kernel: impl Kernel) {
        kernel.run::<Avx512>();
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_256(kernel: impl Kernel) {
        kernel.run::<Avx2>();
    }

    /// One 512-bit register.
    #[derive(Clone, Copy)]
    struct Avx512(__m512);

    #[inline(always)]
    const fn mask(len: usize) -> u16 {
        ((1u32 << len) - 1) as u16
    }

    // SAFETY of all bodies: the trait's contract.
    impl Lanes for Avx512 {
        #[inline(always)]
        unsafe fn zero() -> Self {
            unsafe { Self(_mm512_setzero_ps()) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { Self(_mm512_loadu_ps(from)) }
        }

        #[inline(always)]
        unsafe fn load_part(from: *const f32, len: usize) -> Self {
            unsafe { Self(_mm512_maskz_loadu_ps(mask(len), from)) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, len: usize) {
            unsafe { _mm512_mask_storeu_ps(to, mask(len), self.0) }
        }

        #[inline(always)]
        unsafe fn add_scaled(self, scalar: f32, other: Self) -> Self {
            unsafe { Self(_mm512_fmadd_ps(_mm512_set1_ps(scalar), other.0, self.0)) }
        }

        #[inline(always)]
        unsafe fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }

        #[inline(always)]
        unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
            unsafe {
                // Pairs of rows, then fours, within each 128-bit quarter; then the quarters change places.
                let mut pairs = [rows[0].0; LANES];
                for i in 0..8 {
                    pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i].0, rows[2 * i + 1].0);
                    pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i].0, rows[2 * i + 1].0);
                }
                let mut fours = [rows[0].0; LANES];
                for i in 0..4 {
                    let [a, b, c, d] = [pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]];
                    fours[4 * i] = _mm512_shuffle_ps::<0b01_00_01_00>(a, c);
                    fours[4 * i + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(a, c);
                    fours[4 * i + 2] = _mm512_shuffle_ps::<0b01_00_01_00>(b, d);
                    fours[4 * i + 3] = _mm512_shuffle_ps::<0b11_10_11_10>(b, d);
                }
                let mut out = rows;
                for i in 0..4 {
                    let low = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[i], fours[4 + i]);
                    let high = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[i], fours[4 + i]);
                    let low2 = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[8 + i], fours[12 + i]);
                    let high2 = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[8 + i], fours[12 + i]);
                    out[i] = Self(_mm512_shuffle_f32x4::<0b10_00_10_00>(low, low2));
                    out[4 + i] = Self(_mm512_shuffle_f32x4::<0b10_00_10_00>(high, high2));
                    out[8 + i] = Self(_mm512_shuffle_f32x4::<0b11_01_11_01>(low, low2));
                    out[12 + i] = Self(_mm512_shuffle_f32x4::<0b11_01_11_01>(high, high2));
                }
                out
            }
        }
    }

    /// Two 256-bit registers.
    #[derive(Clone, Copy)]
    struct Avx2([__m256; 2]);

    // SAFETY of all bodies: the trait's contract.
    impl Lanes for Avx2 {
        #[inline(always)]
        unsafe fn zero() -> Self {
            unsafe { Self([_mm256_setzero_ps(); 2]) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { Self([_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))]) }
        }

        #[inline(always)]
        unsafe fn load_part(from: *const f32, len: usize) -> Self {
            unsafe { std::mem::transmute(Portable::load_part(from, len)) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe {
                _mm256_storeu_ps(to, self.0[0]);
                _mm256_storeu_ps(to.add(8), self.0[1]);
            }
        }

        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, len: usize) {
            unsafe { std::mem::transmute::<Self, Portable>(self).store_part(to, len) }
        }

        #[inline(always)]
        unsafe fn add_scaled(self, scalar: f32, other: Self) -> Self {
            unsafe {
                let scalar = _mm256_set1_ps(scalar);
                let [low, high] = self.0;
                Self([_mm256_fmadd_ps(scalar, other.0[0], low), _mm256_fmadd_ps(scalar, other.0[1], high)])
            }
        }

        #[inline(always)]
        unsafe fn prefetch(at: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
        }

        #[inline(always)]
        unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
            unsafe {
                std::mem::transmute(Portable::transpose(std::mem::transmute::<[Self; LANES], [Portable; LANES]>(rows)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Transpose<'a>(&'a [f32], &'a mut [f32]);

    impl Kernel for Transpose<'_> {
        #[inline(always)]
        fn run<L: Lanes>(self) {
            // SAFETY: both hold 256 values.
            unsafe {
                let rows = std::array::from_fn(|i| L::load(self.0.as_ptr().add(i * LANES)));
                for (i, row) in L::transpose(rows).into_iter().enumerate() {
                    row.store_part(self.1.as_mut_ptr().add(i * LANES), LANES);
                }
            }
        }
    }

    #[test]
    fn every_unit_transposes_alike() {
        let values: Vec<f32> = (0..256u16).map(f32::from).collect();
        let (mut fast, mut plain) = (vec![0.0; 256], vec![0.0; 256]);
        run(Transpose(&values, &mut fast));
        Transpose(&values, &mut plain).run::<Portable>();
        assert_eq!(fast, plain);
        assert_eq!(plain[1], 16.0);
    }
}
