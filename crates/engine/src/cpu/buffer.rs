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

/// The number of elements of a tensor; a panic unless they lie one after another in row-major order, as they do not after
/// a broadcast or a permutation.
///
/// dfdx does not tell its strides, but where an element is.
fn contiguous<S: Shape<Concrete = [usize; N]>, T, const N: usize>(tensor: &Tensor<S, f32, Cpu, T>) -> usize {
    let sizes = tensor.shape().concrete();
    let len = sizes.iter().product();
    if len > 0 {
        // Each index is compared with the sizes, and each place with the end of the buffer.
        let place = |index: [usize; N]| (&raw const tensor[index]).addr();
        let (first, mut step) = (place([0; N]), size_of::<f32>());
        for axis in (0..N).rev() {
            let mut last = [0; N];
            last[axis] = sizes[axis] - 1;
            assert_eq!(place(last), first + last[axis] * step, "the tensor's elements do not lie one after another");
            step *= sizes[axis];
        }
        let last = place(sizes.map(|size| size - 1));
        assert_eq!(last, first + (len - 1) * size_of::<f32>(), "the tensor's elements do not lie one after another");
    }
    len
}

/// The numbers of a contiguous tensor, in row-major order.
pub(crate) fn slice<S: Shape<Concrete = [usize; N]>, T, const N: usize>(tensor: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let len = contiguous(tensor);
    if len == 0 {
        return &[];
    }
    let first: *const f32 = &raw const tensor[[0; N]];
    // SAFETY: a CPU tensor's numbers lie in one `Vec`, and `contiguous` has found the first and the last of the tensor's
    // in it, `len` from each other. They live as long as the tensor and are not written while it is borrowed. The
    // pointer comes from a borrow of the first alone; that it reaches the others of the same allocation is what the
    // aliasing model of Tree Borrows allows, and what dfdx leaves as the only way to them without a copy.
    unsafe { std::slice::from_raw_parts(first, len) }
}

/// The same for writing; a buffer shared with another tensor is copied first.
pub(crate) fn slice_mut<S: Shape<Concrete = [usize; N]>, const N: usize>(
    tensor: &mut Tensor<S, f32, Cpu>,
) -> &mut [f32] {
    let len = contiguous(tensor);
    if len == 0 {
        return &mut [];
    }
    let first: *mut f32 = &raw mut tensor[[0; N]];
    // SAFETY: as in `slice`; dfdx has made the buffer ours alone before it lent the element, and a copy is laid out as
    // what it was copied from.
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

#[cfg(test)]
mod tests {
    use dfdx::prelude::{Axes2, Axis, BroadcastTo as _, PermuteTo as _, TensorFromVec as _};

    use super::*;

    fn tensor<S: Shape>(values: Vec<f32>, shape: S) -> Tensor<S, f32, Cpu> {
        Cpu::default().tensor_from_vec(values, shape)
    }

    #[test]
    fn a_contiguous_tensor_is_read_and_written_in_place_whatever_its_sizes() {
        for shape in [(2, 3, 4), (1, 1, 5), (3, 1, 1), (1, 1, 1)] {
            let values: Vec<f32> = (0..shape.0 * shape.1 * shape.2).map(|i| i as f32).collect();
            let mut tensor = tensor(values.clone(), shape);
            assert_eq!(slice(&tensor), values);
            let untouched = tensor.clone();
            for value in slice_mut(&mut tensor) {
                *value += 1.0;
            }
            assert_eq!(tensor.as_vec(), values.iter().map(|value| value + 1.0).collect::<Vec<_>>());
            assert_eq!(untouched.as_vec(), values, "what shares the buffer keeps its numbers");
        }
        let mut nothing = tensor(Vec::new(), (0, 3, 4));
        assert!(slice(&nothing).is_empty() && slice_mut(&mut nothing).is_empty());
    }

    #[test]
    #[should_panic(expected = "do not lie one after another")]
    fn a_broadcast_tensor_is_refused() {
        let wide: Tensor<(usize, usize), f32, Cpu> = tensor(vec![1.0, 2.0], (2,)).broadcast_like::<_, Axis<0>>(&(3, 2));
        slice(&wide);
    }

    #[test]
    #[should_panic(expected = "do not lie one after another")]
    fn a_broadcast_tensor_is_not_written_either() {
        let mut wide: Tensor<(usize, usize), f32, Cpu> =
            tensor(vec![1.0, 2.0], (2,)).broadcast_like::<_, Axis<0>>(&(3, 2));
        slice_mut(&mut wide);
    }

    #[test]
    #[should_panic(expected = "do not lie one after another")]
    fn a_permuted_tensor_is_refused_though_its_first_and_last_elements_are_where_they_were() {
        let turned: Tensor<(usize, usize), f32, Cpu> = tensor(vec![0.0; 6], (2, 3)).permute::<_, Axes2<1, 0>>();
        slice(&turned);
    }
}
