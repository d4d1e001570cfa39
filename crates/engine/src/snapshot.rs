//! A network's tensors of an earlier moment, kept where they are: on the device, another moment for each member.

use dfdx::prelude::{Axis, BroadcastTo as _, ChooseFrom as _, Device, Tensor, TryEq as _};

use crate::layers::Parameter;
use crate::tensor::{T1, T2, positions, rows_at};
use crate::weights::Weights;

/// The tensors of all members, each member's of the moment when it was last taken.
#[derive(Clone, Debug)]
pub struct Snapshot<D: Device<f32>> {
    parameters: Vec<Parameter<D>>,
}

impl<D: Device<f32>> Default for Snapshot<D> {
    fn default() -> Self {
        Self { parameters: Vec::new() }
    }
}

impl<D: Device<f32>> Snapshot<D> {
    /// Takes the tensors of the members that are marked; the others keep theirs. The first time all are taken.
    pub fn take(&mut self, device: &D, parameters: &[&Parameter<D>], members: &[bool]) -> Result<(), D::Err> {
        if self.parameters.is_empty() || members.iter().all(|marked| *marked) {
            // The device shares the buffers until the network's are written to.
            self.parameters = parameters.iter().map(|&parameter| parameter.clone()).collect();
        } else if members.contains(&true) {
            let marks = members.iter().map(|marked| f32::from(*marked)).collect();
            let marks: T1<D> = device.try_tensor_from_vec(marks, (members.len(),))?;
            let marks: Tensor<(usize,), bool, D> = marks.try_eq(1.0)?;
            for (kept, now) in self.parameters.iter_mut().zip(parameters) {
                let shape = (members.len(), now.len());
                let marks: Tensor<(usize, usize), bool, D> = marks.clone().try_broadcast_like::<_, Axis<1>>(&shape)?;
                kept.tensor = marks.try_choose(now.tensor.clone(), kept.tensor.clone())?;
            }
        }
        Ok(())
    }

    /// Member k becomes what member `of[k]` was; without effect where nothing was taken.
    pub fn select(&mut self, device: &D, of: &[usize]) -> Result<(), D::Err> {
        let of = positions(device, of)?;
        for kept in &mut self.parameters {
            kept.tensor = rows_at(&kept.tensor, &of)?;
        }
        Ok(())
    }

    /// Puts every member's tensors into a network of the same architecture, which must not be trained any further.
    pub fn put_into(&self, parameters: Vec<&mut Parameter<D>>) {
        for (parameter, kept) in parameters.into_iter().zip(&self.parameters) {
            parameter.tensor = kept.tensor.clone();
        }
    }

    /// Each member's tensors, on the host; none where nothing was taken.
    pub fn weights(&self) -> Vec<Weights> {
        Weights::of_all(&self.parameters.iter().collect::<Vec<_>>())
    }

    /// The tensors on the host, `numbers` of each under its name, all members one after another.
    pub fn restored(
        device: &D,
        parameters: &[&Parameter<D>],
        numbers: impl Fn(&str) -> Vec<f32>,
    ) -> Result<Self, D::Err> {
        let restore = |parameter: &&Parameter<D>| -> Result<Parameter<D>, D::Err> {
            let shape = (parameter.members(), parameter.len());
            let tensor: T2<D> = device.try_tensor_from_vec(numbers(&parameter.name), shape)?;
            Ok(Parameter { tensor, ..(*parameter).clone() })
        };
        Ok(Self { parameters: parameters.iter().map(restore).collect::<Result<_, _>>()? })
    }
}
