//! Reading dfdx's CPU tensors without copying them, writing them in place, and reusing buffers from step to step.
#![allow(unsafe_code)] // dfdx lends single elements of a tensor; see `slice`.

use std::cell::RefCell;
use std::mem;

use dfdx::prelude::{Cpu, CpuError, Gradients, HasShape, Shape, Tensor};

use crate::allocation::reserve;

/// The gradients of a CPU tape.
pub(crate) type Grads = Gradients<f32, Cpu>;

thread_local! {
    static POOL: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers kept for reuse by one thread; more are given back to the allocator.
const POOL_LIMIT: usize = 64;

/// A buffer of `len` numbers of unspecified value, from this thread's pool.
pub(crate) fn scratch(len: usize) -> Vec<f32> {
    let mut buffer = POOL.with_borrow_mut(|pool| {
        let fits = |i: &usize| pool[*i].capacity() >= len;
        let best = (0..pool.len()).filter(fits).min_by_key(|&i| pool[i].capacity());
        best.map(|i| pool.swap_remove(i)).unwrap_or_default()
    });
    if buffer.len() < len {
        let missing = len - buffer.len();
        reserve(&mut buffer, missing);
        buffer.resize(len, 0.0);
    }
    buffer.truncate(len);
    buffer
}

/// Gives a buffer to this thread's pool.
pub(crate) fn recycle(buffer: Vec<f32>) {
    if buffer.capacity() > 0 {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < POOL_LIMIT {
                pool.push(buffer);
            }
        });
    }
}

/// Gives this thread's pool back to the allocator.
pub(crate) fn release() {
    POOL.with_borrow_mut(Vec::clear);
}

/// The numbers of a contiguous tensor, in row-major order.
pub(crate) fn slice<S: Shape<Concrete = [usize; N]>, T, const N: usize>(tensor: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let len = tensor.shape().num_elements();
    if len == 0 {
        return &[];
    }
    let first: *const f32 = &raw const tensor[[0; N]];
    // SAFETY: a CPU tensor's numbers lie in one `Vec`; all tensors here are contiguous and own their whole buffer, so
    // `len` numbers follow the first. They live as long as the tensor and are not written while it is borrowed.
    unsafe { std::slice::from_raw_parts(first, len) }
}

/// The same for writing; a buffer shared with another tensor is copied first.
pub(crate) fn slice_mut<S: Shape<Concrete = [usize; N]>, const N: usize>(
    tensor: &mut Tensor<S, f32, Cpu>,
) -> &mut [f32] {
    let len = tensor.shape().num_elements();
    if len == 0 {
        return &mut [];
    }
    let first: *mut f32 = &raw mut tensor[[0; N]];
    // SAFETY: as in `slice`; dfdx has made the buffer ours alone before it lent the element.
    unsafe { std::slice::from_raw_parts_mut(first, len) }
}

/// Takes the gradient of `t` out, to be read while others are written. Nobody needs the gradient of an intermediate
/// result any more once the operation that made it has gone backward, so it need not be put back.
pub(crate) fn take<S: Shape>(grads: &mut Grads, t: &Tensor<S, f32, Cpu>) -> Result<Vec<f32>, CpuError> {
    let mut gradient = mem::take(&mut **grads.get_or_alloc_mut(t)?);
    if gradient.is_empty() {
        reserve(&mut gradient, t.shape().num_elements());
        gradient.resize(t.shape().num_elements(), 0.0);
    }
    Ok(gradient)
}

/// Puts a gradient back.
pub(crate) fn put<S: Shape>(grads: &mut Grads, t: &Tensor<S, f32, Cpu>, gradient: Vec<f32>) -> Result<(), CpuError> {
    **grads.get_or_alloc_mut(t)? = gradient;
    Ok(())
}

/// Lets `add` add to the gradient of `t`: it gets the buffer and whether that holds numbers yet. Where it does not, its
/// contents are unspecified and to be overwritten, which spares a pass of zeros.
///
/// An empty buffer in a `Gradients` stands for zeros; see [`crate::cpu::FastCpu`].
pub(crate) fn accumulate<S: Shape>(
    grads: &mut Grads,
    t: &Tensor<S, f32, Cpu>,
    add: impl FnOnce(&mut [f32], bool),
) -> Result<(), CpuError> {
    let mut gradient = mem::take(&mut **grads.get_or_alloc_mut(t)?);
    let holds_numbers = !gradient.is_empty();
    if !holds_numbers {
        gradient = scratch(t.shape().num_elements());
    }
    add(&mut gradient, holds_numbers);
    put(grads, t, gradient)
}
