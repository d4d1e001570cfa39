//! Weights on the host: snapshots of single members, and safetensors files of them.

use std::collections::BTreeMap;

use dfdx::prelude::Device;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::backend::Backend;
use crate::layers::Parameter;
use crate::nets::Network;

/// File name (without extension) of the weights at the last epoch.
pub const LAST: &str = "weights-last";
/// File name (without extension) of the weights at the first epoch with the best validation accuracy.
pub const BEST: &str = "weights-best";
/// File name (without extension) of the weights just before the step of the first mini-batch below the level.
pub const FIRST_CROSSING: &str = "weights-first-below";

/// The named tensors of one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// Name, shape and numbers, in the network's order.
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Weights {
    /// Copies one member's tensors.
    pub fn of<B: Backend>(network: &dyn Network<B>, member: usize) -> Self {
        let copy = |parameter: &&Parameter<B::Dev>| {
            let mut values = vec![0.0; parameter.len()];
            parameter.copy_member(member, &mut values);
            (parameter.name.clone(), parameter.shape.clone(), values)
        };
        Self { tensors: network.parameters().iter().map(copy).collect() }
    }

    /// Copies every member's tensors; each comes from its device once.
    pub fn of_all<D: Device<f32>>(parameters: &[&Parameter<D>]) -> Vec<Self> {
        let members = parameters.first().map_or(0, |parameter| parameter.members());
        let mut all = vec![Self::default(); members];
        for parameter in parameters {
            let values = parameter.to_host();
            for (member, values) in all.iter_mut().zip(values.chunks(parameter.len())) {
                member.tensors.push((parameter.name.clone(), parameter.shape.clone(), values.to_vec()));
            }
        }
        all
    }

    /// Puts the tensors into one member of a network of the same architecture.
    pub fn restore<B: Backend>(&self, network: &mut dyn Network<B>, member: usize) {
        for (parameter, (_, _, values)) in network.parameters_mut().into_iter().zip(&self.tensors) {
            parameter.set_member(member, values);
        }
    }

    /// Tensors with the names, shapes and order of `network`'s; `numbers` gives those of a name.
    pub fn gather<B: Backend>(network: &dyn Network<B>, numbers: impl Fn(&str) -> Vec<f32>) -> Self {
        let parameters = network.parameters();
        let tensor = |p: &&Parameter<B::Dev>| (p.name.clone(), p.shape.clone(), numbers(&p.name));
        Self { tensors: parameters.iter().map(tensor).collect() }
    }

    /// The numbers of the tensor of this name.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.tensors.iter().find(|(known, _, _)| known == name).map(|(_, _, values)| &values[..])
    }

    /// All tensors: name, shape, numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.tensors.iter().map(|(name, shape, values)| (&**name, &**shape, &**values))
    }

    /// Reads what [`to_safetensors`](Self::to_safetensors) wrote, in the order of `network`; what does not fit it is
    /// reported in a sentence.
    pub fn from_safetensors<B: Backend>(bytes: &[u8], network: &dyn Network<B>) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let read = |parameter: &&Parameter<B::Dev>| {
            let name = &parameter.name;
            let view = file.tensor(name).map_err(|error| format!("tensor `{name}`: {error}"))?;
            if view.dtype() != Dtype::F32 || view.shape() != parameter.shape {
                let (found, shape) = (view.dtype(), view.shape());
                return Err(format!(
                    "tensor `{name}` is {found:?} {shape:?}, the network's is F32 {:?}",
                    parameter.shape
                ));
            }
            let numbers = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Ok((name.clone(), parameter.shape.clone(), numbers.collect()))
        };
        Ok(Self { tensors: network.parameters().iter().map(read).collect::<Result<_, _>>()? })
    }

    /// A safetensors file, names as PyTorch's `state_dict`.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let bytes: Vec<(&str, &[usize], Vec<u8>)> = self
            .iter()
            .map(|(name, shape, values)| (name, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let views: BTreeMap<&str, TensorView> = bytes
            .iter()
            .map(|(name, shape, data)| {
                let view = TensorView::new(Dtype::F32, shape.to_vec(), data).expect("shape and bytes belong together");
                (*name, view)
            })
            .collect();
        safetensors::serialize(views, None).expect("in-memory tensors are serialisable")
    }
}
