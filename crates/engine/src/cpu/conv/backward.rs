//! Going backward through a convolution and its normalisation on the CPU, and where the maps' gradients gather.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use dfdx::prelude::{Cpu, CpuError};

use super::buffer::Buffer;
use super::correlate::Convolution;
use super::norm::{Gradient, Normalised, Residual, Shape};
use crate::cpu::buffer::{Grads, accumulate, slice};
use crate::geometry::Geometry;
use crate::tensor::T2;

/// Where a map's gradient gathers; nothing is there until the first operation gives something.
#[derive(Clone, Default)]
pub(super) struct Slot(Rc<RefCell<Option<Buffer>>>);

impl Slot {
    /// Lets `give` add to the gradient: it gets the buffer and whether that holds numbers yet.
    pub(super) fn add(&self, len: usize, give: impl FnOnce(&mut [f32], bool)) {
        let mut slot = self.0.borrow_mut();
        let holds = slot.is_some();
        give(slot.get_or_insert_with(|| Buffer::scratch(len)), holds);
    }

    /// The same for an operation that can only add.
    pub(super) fn add_to(&self, len: usize, give: impl FnOnce(&mut [f32])) {
        self.add(len, |values, holds| {
            if !holds {
                values.fill(0.0);
            }
            give(values);
        });
    }

    /// The whole gradient, when all that used the map have gone backward; `None` where nothing did.
    pub(super) fn take(&self) -> Option<Buffer> {
        self.0.borrow_mut().take()
    }
}

/// What the way back through one layer needs.
pub(super) struct ConvNormGradient {
    /// The convolution's input, of this shape a member.
    pub(super) x: Rc<Buffer>,
    pub(super) from: Shape,
    /// `None` where the input needs no gradient.
    pub(super) dx: Option<Slot>,
    pub(super) geometry: Arc<Geometry>,
    pub(super) weight: T2<Cpu>,
    /// The convolution's result.
    pub(super) y: Buffer,
    /// What each channel of each member was normalised by.
    pub(super) channels: Vec<Normalised>,
    pub(super) batch_statistics: bool,
    pub(super) scale: T2<Cpu>,
    pub(super) shift: T2<Cpu>,
    /// The layer's result, where a ReLU made it.
    pub(super) z: Option<Rc<Buffer>>,
    pub(super) dz: Slot,
    pub(super) d_residual: Option<Slot>,
    /// Of the result, a member.
    pub(super) shape: Shape,
}

impl ConvNormGradient {
    /// Adds to the gradients of the input, the residual and the parameters.
    pub(super) fn backward(mut self, grads: &mut Grads) -> Result<(), CpuError> {
        let Some(mut dz) = self.dz.take() else { return Ok(()) };
        self.normalisation(&mut dz, grads)?;
        // From here on `dz` is the gradient of the convolution's result; what the normalisation kept can go.
        self.y = Buffer::scratch(0);
        self.z = None;
        let Self { x, from, dx, geometry, weight, shape, .. } = &self;
        let (inputs, outputs, images) = (from.channels, shape.channels, shape.images);
        let convolution = Convolution { geometry, inputs, outputs, images };
        let per_member = inputs * outputs * geometry.window.taps();
        accumulate(grads, weight, |dw, add| {
            if !add {
                dw.fill(0.0);
            }
            for (k, dw) in dw.chunks_exact_mut(per_member).enumerate() {
                convolution.weight_gradient(member(x, k, *from), member(&dz, k, *shape), dw);
            }
        })?;
        if let Some(slot) = dx {
            let weights = slice(weight).chunks_exact(per_member).enumerate();
            slot.add(x.len(), |dx, add| {
                for (k, weight) in weights {
                    let (dz, dx) = (member(&dz, k, *shape), member_mut(dx, k, *from));
                    convolution.input_gradient(dz, weight, dx, add);
                }
            });
        }
        Ok(())
    }

    /// Turns the gradient of the layer's result into that of the convolution's.
    fn normalisation(&self, dz: &mut [f32], grads: &mut Grads) -> Result<(), CpuError> {
        let shape = self.shape;
        let (mut d_scale, mut d_shift) = (Vec::new(), Vec::new());
        let len = dz.len();
        let mut back = |mut d_residual: Option<(&mut [f32], bool)>| {
            for (k, channels) in self.channels.chunks(shape.channels).enumerate() {
                let gradient = Gradient {
                    shape,
                    x: member(&self.y, k, shape),
                    z: self.z.as_ref().map(|z| member(z, k, shape)),
                    channels,
                    batch_statistics: self.batch_statistics,
                };
                let residual = d_residual
                    .as_mut()
                    .map(|(values, add)| Residual { values: member_mut(values, k, shape), add: *add });
                for [scale, shift] in gradient.apply(member_mut(dz, k, shape), residual) {
                    d_scale.push(scale);
                    d_shift.push(shift);
                }
            }
        };
        match &self.d_residual {
            Some(slot) => slot.add(len, |values, add| back(Some((values, add)))),
            None => back(None),
        }
        for (tensor, sums) in [(&self.scale, d_scale), (&self.shift, d_shift)] {
            accumulate(grads, tensor, |gradient, add| add_all(gradient, &sums, add))?;
        }
        Ok(())
    }
}

/// One member's part.
pub(super) fn member(values: &[f32], k: usize, shape: Shape) -> &[f32] {
    &values[k * shape.len()..][..shape.len()]
}

/// One member's part.
pub(super) fn member_mut(values: &mut [f32], k: usize, shape: Shape) -> &mut [f32] {
    &mut values[k * shape.len()..][..shape.len()]
}

/// `to [+]= values`.
fn add_all(to: &mut [f32], values: &[f32], add: bool) {
    for (to, value) in to.iter_mut().zip(values) {
        *to = if add { *to + value } else { *value };
    }
}
