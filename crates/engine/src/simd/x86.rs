//! The lanes as registers of x86-64.
#![allow(unsafe_code)] // vector instructions

#[allow(clippy::wildcard_imports)] // a vocabulary
use std::arch::x86_64::*;

use super::lanes::{LANES, Lanes, Plain};

/// One 512-bit register.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

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
pub(super) struct Avx2([__m256; 2]);

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
        unsafe { std::mem::transmute(Plain::load_part(from, len)) }
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
        unsafe { std::mem::transmute::<Self, Plain>(self).store_part(to, len) }
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
        unsafe { std::mem::transmute(Plain::transpose(std::mem::transmute::<[Self; LANES], [Plain; LANES]>(rows))) }
    }
}
