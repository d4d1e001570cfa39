//! The networks, each over any [`Backend`].

mod cifar_resnet;
mod init;
mod mlp;
mod outline;
mod resnet;
mod resnet18;

use flooding_core::dataset::InputShape;
use flooding_core::seeds::Stream;
use flooding_core::spec::ModelSpec;

pub use cifar_resnet::cifar_resnet;
pub use init::{kaiming_normal, uniform};
pub use mlp::Mlp;
pub use outline::{Layer, outline};
pub use resnet::ResNet;
pub use resnet18::resnet18;

use crate::backend::{Backend, DeviceError, Recording, T2, T3};
use crate::layers::Parameter;

/// K networks of one architecture that see the same batches.
pub trait Network<B: Backend> {
    /// Every named tensor, in PyTorch's order; always the same order.
    fn parameters(&self) -> Vec<&Parameter<B::Dev>>;

    /// Every named tensor, in the same order.
    fn parameters_mut(&mut self) -> Vec<&mut Parameter<B::Dev>>;

    /// Logits `(K, N, classes)` in training mode, recorded on `tape`: inputs `(N, numbers of an example)`, an image's
    /// numbers in the order channel, row, column.
    fn train(
        &mut self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>>;

    /// Logits `(K, N, classes)` in evaluation mode.
    fn evaluate(&self, backend: &B, inputs: T2<B::Dev>) -> Result<T3<B::Dev>, DeviceError<B>>;

    /// Logits in evaluation mode, recorded on `tape`: for gradients of a reported loss.
    fn probe(
        &self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>>;

    /// Do training and evaluation mode compute the same function?
    fn same_in_both_modes(&self) -> bool;

    /// The smallest batch that training mode accepts: 2 where a batch normalisation would see one number a feature.
    fn smallest_batch(&self) -> usize;
}

/// Trainable numbers of one member.
pub fn count_trainable<B: Backend>(network: &dyn Network<B>) -> u64 {
    network.parameters().iter().filter(|p| p.role.is_trained()).map(|p| p.len() as u64).sum()
}

/// A network as the specification says, all members with the same initial weights.
pub fn build<B: Backend>(
    backend: &B,
    model: &ModelSpec,
    (input, classes): (InputShape, usize),
    members: usize,
    stream: &mut Stream,
) -> Result<Box<dyn Network<B>>, DeviceError<B>> {
    match model {
        ModelSpec::Mlp { hidden, batch_norm } => {
            let hidden: Vec<usize> = hidden.iter().map(|&units| units as usize).collect();
            Ok(Box::new(Mlp::new(backend, (input.len(), &hidden, classes), *batch_norm, members, stream)?))
        }
        ModelSpec::CifarResnet { blocks, width } => {
            let sizes = (*blocks as usize, *width as usize);
            Ok(Box::new(cifar_resnet(backend, sizes, (input.into(), classes), members, stream)?))
        }
        ModelSpec::Resnet18 { width } => {
            Ok(Box::new(resnet18(backend, *width as usize, (input.into(), classes), members, stream)?))
        }
    }
}
