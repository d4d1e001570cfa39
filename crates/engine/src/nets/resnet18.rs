//! torchvision's ResNet-18: a 7x7 stem, max pooling, four stages of two blocks, option-B shortcuts.

use std::sync::Arc;

use flooding_core::seeds::Stream;

use super::resnet::{Block, Builder, Fan, ResNet, Shortcut};
use super::uniform;
use crate::backend::{Backend, DeviceError};
use crate::geometry::{Geometry, ImageSize, Window};

/// Stages of `width`, 2, 4 and 8 times `width` channels. Convolutions start with He's normal weights (`fan_out`), the
/// linear layer with PyTorch's default.
pub fn resnet18<B: Backend>(
    backend: &B,
    width: usize,
    (size, classes): (ImageSize, usize),
    members: usize,
    stream: &mut Stream,
) -> Result<ResNet<B::Dev>, DeviceError<B>> {
    let mut build = Builder { backend, members, stream, fan: Fan::Out, at: (size.height, size.width) };
    let stem = build.conv_norm(("conv1", "bn1"), (size.channels, width), Window::new(7, 2, 3), None)?;
    let pool = Arc::new(Geometry::new(Window::new(3, 2, 1), build.at.0, build.at.1));
    build.at = pool.output;
    let mut blocks = Vec::with_capacity(8);
    let mut channels = width;
    for stage in 0..4 {
        for i in 0..2 {
            let (stride, outputs) = if stage > 0 && i == 0 { (2, 2 * channels) } else { (1, channels) };
            let name = |part: &str| format!("layer{}.{i}.{part}", stage + 1);
            let before = build.at;
            let names = (name("conv1"), name("bn1"));
            let window = Window::new(3, stride, 1);
            let first = build.conv_norm((&names.0, &names.1), (channels, outputs), window, None)?;
            let names = (name("conv2"), name("bn2"));
            let second = build.conv_norm((&names.0, &names.1), (outputs, outputs), Window::new(3, 1, 1), None)?;
            let shortcut = if stride == 1 {
                Shortcut::Identity
            } else {
                let names = (name("downsample.0"), name("downsample.1"));
                let window = Window::new(1, stride, 0);
                let both = (channels, outputs);
                Shortcut::Projection(Box::new(build.conv_norm((&names.0, &names.1), both, window, Some(before))?))
            };
            blocks.push(Block { first, second, shortcut });
            channels = outputs;
        }
    }
    let head = build.head("fc", (channels, classes), uniform)?;
    Ok(ResNet::new(size, stem, Some(pool), blocks, head))
}
