//! The CIFAR ResNet of He et al. 2016, section 4.2: depth 6n + 2, option-A shortcuts (n = 7 is ResNet-44).

use std::sync::Arc;

use flooding_core::seeds::Stream;

use super::resnet::{Block, Builder, Fan, ResNet, Shortcut};
use crate::backend::{Backend, DeviceError};
use crate::geometry::{Geometry, ImageSize, Window};

/// Three stages of `blocks` blocks with `width`, 2 `width` and 4 `width` channels. Weights of convolutions and of the
/// linear layer are He's normal ones (`fan_in`), as in the code that the paper cites; the bias has PyTorch's default.
pub fn cifar_resnet<B: Backend>(
    backend: &B,
    (blocks, width): (usize, usize),
    (size, classes): (ImageSize, usize),
    members: usize,
    stream: &mut Stream,
) -> Result<ResNet<B::Dev>, DeviceError<B>> {
    let mut build = Builder { backend, members, stream, fan: Fan::In, at: (size.height, size.width) };
    let stem = build.conv_norm(("conv1", "bn1"), (size.channels, width), Window::new(3, 1, 1), None)?;
    let mut all = Vec::with_capacity(3 * blocks);
    let mut channels = width;
    for stage in 0..3 {
        for i in 0..blocks {
            let (stride, outputs) = if stage > 0 && i == 0 { (2, 2 * channels) } else { (1, channels) };
            let name = |part: &str| format!("layer{}.{i}.{part}", stage + 1);
            let shortcut = if stride == 1 {
                Shortcut::Identity
            } else {
                Shortcut::Padded(Arc::new(Geometry::new(Window::new(1, stride, 0), build.at.0, build.at.1)))
            };
            let names = (name("conv1"), name("bn1"));
            let window = Window::new(3, stride, 1);
            let first = build.conv_norm((&names.0, &names.1), (channels, outputs), window, None)?;
            let names = (name("conv2"), name("bn2"));
            let second = build.conv_norm((&names.0, &names.1), (outputs, outputs), Window::new(3, 1, 1), None)?;
            all.push(Block { first, second, shortcut });
            channels = outputs;
        }
    }
    let head = build.head("linear", (channels, classes), super::kaiming_normal)?;
    Ok(ResNet::new(size, stem, None, all, head))
}
