//! The operations that residual networks need of a device (dfdx 0.13 has no convolution on stable Rust).
//!
//! A network never sees how a device lays its feature maps out: it gets them from [`Operations::images`], hands them
//! from one operation to the next and ends with [`Operations::average`]. The ensemble axis K leads in both layouts.

use std::sync::Arc;

use dfdx::prelude::{Device, Tape};

use crate::geometry::{Geometry, ImageSize};
use crate::layers::ConvNorm;
use crate::tensor::{T2, T3};

/// Which mean and variance a batch normalisation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// The batch's own: training mode.
    Batch,
    /// The running ones: evaluation mode.
    Running,
}

/// The batch's statistics of one normalisation.
#[derive(Clone, Debug)]
pub struct Moments<D: Device<f32>> {
    /// `(K, channels)`.
    pub mean: T2<D>,
    /// `(K, channels)`, biased.
    pub variance: T2<D>,
    /// Numbers that each was taken over.
    pub count: usize,
}

/// Maps, and the statistics that normalised them where those were the batch's own.
pub type WithMoments<M, D> = (M, Option<Moments<D>>);

/// What a residual network is made of. Every operation is recorded on the tape of its inputs, and adds to their gradients, so
/// that a map may be used more than once.
pub trait Operations<D: Device<f32>> {
    /// Feature maps of all members for a batch of images.
    type Maps<T: Tape<f32, D>>;

    /// A batch of images for all members; `inputs` is `(N, channels * rows * columns)`. They get no gradient.
    fn images<T: Tape<f32, D>>(
        &self,
        inputs: T2<D>,
        size: ImageSize,
        members: usize,
        tape: T,
    ) -> Result<Self::Maps<T>, D::Err>;

    /// The same maps twice.
    fn fork<T: Tape<f32, D>>(&self, x: Self::Maps<T>) -> (Self::Maps<T>, Self::Maps<T>);

    /// Convolution, batch normalisation, plus the residual if there is one, then ReLU if asked for. With
    /// [`Statistics::Batch`] the batch's statistics come back too.
    fn conv_norm<T: Tape<f32, D>>(
        &self,
        x: Self::Maps<T>,
        layer: &ConvNorm<D>,
        residual: Option<Self::Maps<T>>,
        relu: bool,
        statistics: Statistics,
    ) -> Result<WithMoments<Self::Maps<T>, D>, D::Err>;

    /// The largest pixel in each window, per channel; padding never wins, and the first of equals gets the gradient.
    fn max_pool<T: Tape<f32, D>>(&self, x: Self::Maps<T>, geometry: &Arc<Geometry>) -> Result<Self::Maps<T>, D::Err>;

    /// He et al.'s option A: the pixels that `geometry` (one pixel, some stride) reads, with channels of zeros, the
    /// same number before and after, up to `channels`.
    fn pad_channels<T: Tape<f32, D>>(
        &self,
        x: Self::Maps<T>,
        geometry: &Arc<Geometry>,
        channels: usize,
    ) -> Result<Self::Maps<T>, D::Err>;

    /// The mean over each image's pixels, `(K, N, channels)`.
    fn average<T: Tape<f32, D>>(&self, x: Self::Maps<T>) -> Result<T3<D, T>, D::Err>;
}
