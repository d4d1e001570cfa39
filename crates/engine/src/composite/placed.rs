//! Random crops and flips of a batch where the images lie, on the device: two gathers and two masks.

use dfdx::prelude::{
    Axes2, Axis, BroadcastTo as _, Device, GatherTo as _, HasShape as _, ReshapeTo as _, Tensor, TryMul as _,
};

use super::CompositeSet;
use crate::data::Placement;
use crate::geometry::ImageSize;
use crate::tensor::T2;

type T4<D> = Tensor<(usize, usize, usize, usize), f32, D>;

/// The images of these indices, each moved and mirrored as its placement says; `(indices, numbers of an image)`.
pub(super) fn batch<D: Device<f32>>(
    device: &D,
    set: &CompositeSet<D>,
    indices: &[u32],
    placements: &[Placement],
) -> Result<T2<D>, D::Err> {
    let ImageSize { channels, height, width } = set.size;
    let (n, count) = (indices.len(), set.inputs.shape().0);

    // Which row and which column each one of the result reads, and a mask that is zero where that is padding.
    let mut rows = Vec::with_capacity(n * channels * height);
    let mut columns = Vec::with_capacity(n * width);
    let mut row_mask = Vec::with_capacity(n * height);
    let mut column_mask = Vec::with_capacity(n * width);
    for (&index, placement) in indices.iter().zip(placements) {
        let sources: Vec<_> = (0..height).map(|y| placement.source_row(y, height)).collect();
        for channel in 0..channels {
            let first = (index as usize * channels + channel) * height;
            rows.extend(sources.iter().map(|source| first + source.unwrap_or(0)));
        }
        row_mask.extend(sources.iter().map(|source| f32::from(source.is_some())));
        let sources = (0..width).map(|x| placement.source_column(x, width));
        for source in sources {
            columns.push(source.unwrap_or(0));
            column_mask.push(f32::from(source.is_some()));
        }
    }

    let length = rows.len();
    let rows: Tensor<(usize,), usize, D> = device.try_tensor_from_vec(rows, (length,))?;
    let columns: Tensor<(usize, usize), usize, D> = device.try_tensor_from_vec(columns, (n, width))?;
    let row_mask: T2<D> = device.try_tensor_from_vec(row_mask, (n, height))?;
    let column_mask: T2<D> = device.try_tensor_from_vec(column_mask, (n, width))?;

    let lines = (n, channels * height, width);
    let image = (n, channels, height, width);
    let all: T2<D> = set.inputs.clone().try_reshape_like(&(count * channels * height, width))?;
    let moved = all.try_gather(rows)?.try_reshape_like(&lines)?;
    let moved = moved.try_gather(columns.try_broadcast_like::<_, Axis<1>>(&lines)?)?;
    let moved: T4<D> = moved.try_reshape_like(&image)?;
    let moved = moved.try_mul(row_mask.try_broadcast_like::<_, Axes2<1, 3>>(&image)?)?;
    let moved = moved.try_mul(column_mask.try_broadcast_like::<_, Axes2<1, 2>>(&image)?)?;
    moved.try_reshape_like(&(n, channels * height * width))
}
