//! What the two residual networks have in common: a stem, blocks of two convolutions with a shortcut, an average over
//! the image and a linear layer. The two differ in sizes, shortcuts, initial weights and names.

use std::sync::Arc;

use dfdx::prelude::{Device, NoneTape, Tape};
use flooding_core::seeds::Stream;

use super::{Network, uniform};
use crate::backend::{Backend, DeviceError, Recording, T2, T3};
use crate::convolution::{Moments, Operations, Statistics};
use crate::geometry::{Geometry, ImageSize, Window};
use crate::layers::{BatchNorm, ConvNorm, Linear, Parameter, Role};

/// A residual network of K members.
#[derive(Clone, Debug)]
pub struct ResNet<D: Device<f32>> {
    size: ImageSize,
    stem: ConvNorm<D>,
    /// Max pooling after the stem.
    pool: Option<Arc<Geometry>>,
    blocks: Vec<Block<D>>,
    head: Linear<D>,
}

/// `relu(second(relu(first(x))) + shortcut(x))`.
#[derive(Clone, Debug)]
pub(super) struct Block<D: Device<f32>> {
    pub(super) first: ConvNorm<D>,
    pub(super) second: ConvNorm<D>,
    pub(super) shortcut: Shortcut<D>,
}

impl<D: Device<f32>> Block<D> {
    fn layers(&self) -> impl Iterator<Item = &ConvNorm<D>> {
        let projection = if let Shortcut::Projection(layer) = &self.shortcut { Some(&**layer) } else { None };
        [&self.first, &self.second].into_iter().chain(projection)
    }

    fn layers_mut(&mut self) -> impl Iterator<Item = &mut ConvNorm<D>> {
        let projection = if let Shortcut::Projection(layer) = &mut self.shortcut { Some(&mut **layer) } else { None };
        [&mut self.first, &mut self.second].into_iter().chain(projection)
    }
}

/// Logits, and each normalisation's statistics where they are the batch's.
type Pass<D, T> = (T3<D, T>, Vec<Moments<D>>);

/// How a block's input reaches its end (He et al. 2016, section 3.3).
#[derive(Clone, Debug)]
pub(super) enum Shortcut<D: Device<f32>> {
    /// As it is.
    Identity,
    /// Option A: every second pixel, and channels of zeros before and after.
    Padded(Arc<Geometry>),
    /// Option B: a 1x1 convolution and batch normalisation.
    Projection(Box<ConvNorm<D>>),
}

/// Draws layers one after another, in PyTorch's order of parameters.
pub(super) struct Builder<'a, B: Backend> {
    pub(super) backend: &'a B,
    pub(super) members: usize,
    pub(super) stream: &'a mut Stream,
    /// Are convolutions' weights scaled by what goes in (`fan_in`) or by what comes out (`fan_out`)?
    pub(super) fan: Fan,
    /// Rows and columns of the maps so far.
    pub(super) at: (usize, usize),
}

/// PyTorch's `mode` of `kaiming_normal_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fan {
    In,
    Out,
}

impl<B: Backend> Builder<'_, B> {
    /// A convolution named `conv` and its normalisation named `norm`, on maps of the size so far (or of `before`).
    pub(super) fn conv_norm(
        &mut self,
        (conv, norm): (&str, &str),
        (inputs, outputs): (usize, usize),
        window: Window,
        before: Option<(usize, usize)>,
    ) -> Result<ConvNorm<B::Dev>, DeviceError<B>> {
        let (height, width) = before.unwrap_or(self.at);
        let geometry = Arc::new(Geometry::new(window, height, width));
        self.at = geometry.output;
        let fan = window.taps() * if self.fan == Fan::In { inputs } else { outputs };
        let values = super::kaiming_normal(outputs * inputs * window.taps(), fan, self.stream);
        let shape = vec![outputs, inputs, window.kernel, window.kernel];
        let device = self.backend.device();
        let name = format!("{conv}.weight");
        let weight = Parameter::new(device, name, (shape, Role::Weight), self.members, &values)?;
        let norm = BatchNorm::new(device, norm, outputs, self.members)?;
        Ok(ConvNorm { weight, norm, geometry })
    }

    /// The last layer; `weights` draws its weights, the bias has PyTorch's default.
    pub(super) fn head(
        &mut self,
        name: &str,
        (features, classes): (usize, usize),
        weights: impl FnOnce(usize, usize, &mut Stream) -> Vec<f32>,
    ) -> Result<Linear<B::Dev>, DeviceError<B>> {
        let device = self.backend.device();
        let values = weights(features * classes, features, self.stream);
        let shape = (vec![classes, features], Role::Weight);
        let weight = Parameter::new(device, format!("{name}.weight"), shape, self.members, &values)?;
        let values = uniform(classes, features, self.stream);
        let shape = (vec![classes], Role::Vector);
        let bias = Parameter::new(device, format!("{name}.bias"), shape, self.members, &values)?;
        Ok(Linear { weight, bias })
    }
}

impl<D: Device<f32>> ResNet<D> {
    pub(super) fn new(
        size: ImageSize,
        stem: ConvNorm<D>,
        pool: Option<Arc<Geometry>>,
        blocks: Vec<Block<D>>,
        head: Linear<D>,
    ) -> Self {
        Self { size, stem, pool, blocks, head }
    }

    /// Every convolution with its normalisation, in PyTorch's order.
    fn convolutions(&self) -> impl Iterator<Item = &ConvNorm<D>> {
        std::iter::once(&self.stem).chain(self.blocks.iter().flat_map(Block::layers))
    }

    /// One pass; also each normalisation's statistics, in the order of [`convolutions`](Self::convolutions), where
    /// they are the batch's.
    fn pass<B: Backend<Dev = D>, T: Tape<f32, D>>(
        &self,
        backend: &B,
        inputs: T2<D>,
        tape: T,
        statistics: Statistics,
    ) -> Result<Pass<D, T>, D::Err> {
        let conv = backend.conv();
        let mut moments = Vec::new();
        let x = conv.images(inputs, self.size, self.head.weight.members(), tape)?;
        let (mut x, of_batch) = conv.conv_norm(x, &self.stem, None, true, statistics)?;
        moments.extend(of_batch);
        if let Some(geometry) = &self.pool {
            x = conv.max_pool(x, geometry)?;
        }
        for block in &self.blocks {
            let (branch, main) = conv.fork(x);
            let (main, first) = conv.conv_norm(main, &block.first, None, true, statistics)?;
            let (branch, projected) = match &block.shortcut {
                Shortcut::Identity => (branch, None),
                Shortcut::Padded(geometry) => (conv.pad_channels(branch, geometry, block.second.channels().1)?, None),
                Shortcut::Projection(layer) => conv.conv_norm(branch, layer, None, false, statistics)?,
            };
            let (sum, second) = conv.conv_norm(main, &block.second, Some(branch), true, statistics)?;
            moments.extend(first.into_iter().chain(second).chain(projected));
            x = sum;
        }
        Ok((backend.linear(conv.average(x)?, &self.head, false)?, moments))
    }

    /// Moves the running statistics towards the batch's; the variance by its unbiased estimate.
    fn move_statistics(&mut self, moments: &[Moments<D>]) -> Result<(), D::Err> {
        let momentum = BatchNorm::<D>::MOMENTUM;
        let layers = std::iter::once(&mut self.stem).chain(self.blocks.iter_mut().flat_map(Block::layers_mut));
        for (layer, batch) in layers.zip(moments) {
            let unbiased = batch.count as f64 / (batch.count as f64 - 1.0);
            layer.norm.mean.tensor.try_axpy(1.0 - momentum, &batch.mean, momentum)?;
            layer.norm.variance.tensor.try_axpy(1.0 - momentum, &batch.variance, momentum * unbiased)?;
        }
        Ok(())
    }
}

impl<B: Backend> Network<B> for ResNet<B::Dev> {
    fn parameters(&self) -> Vec<&Parameter<B::Dev>> {
        let convolutions =
            self.convolutions().flat_map(|layer| std::iter::once(&layer.weight).chain(layer.norm.parameters()));
        convolutions.chain([&self.head.weight, &self.head.bias]).collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter<B::Dev>> {
        let Self { stem, blocks, head, .. } = self;
        let layers = std::iter::once(stem).chain(blocks.iter_mut().flat_map(Block::layers_mut));
        let convolutions =
            layers.flat_map(|layer| std::iter::once(&mut layer.weight).chain(layer.norm.parameters_mut()));
        convolutions.chain([&mut head.weight, &mut head.bias]).collect()
    }

    fn train(
        &mut self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>> {
        let (logits, moments) = self.pass(backend, inputs, tape, Statistics::Batch)?;
        self.move_statistics(&moments)?;
        Ok(logits)
    }

    fn evaluate(&self, backend: &B, inputs: T2<B::Dev>) -> Result<T3<B::Dev>, DeviceError<B>> {
        Ok(self.pass(backend, inputs, NoneTape, Statistics::Running)?.0)
    }

    fn probe(
        &self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>> {
        Ok(self.pass(backend, inputs, tape, Statistics::Running)?.0)
    }

    fn same_in_both_modes(&self) -> bool {
        false
    }

    fn smallest_batch(&self) -> usize {
        let pixels = self.convolutions().map(|layer| layer.geometry.output_pixels()).min();
        if pixels == Some(1) { 2 } else { 1 }
    }
}
