//! The examples of a trial as one safetensors file: `SET.inputs` [n, d] (f32), `SET.labels` [n] and, where labels were
//! flipped, `SET.clean_labels` [n] (u16), for SET = train, validation, test.

use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

const SETS: [&str; 3] = ["train", "validation", "test"];
/// Every distribution has two classes.
const CLASSES: u16 = 2;

/// The bytes of the file.
pub(crate) fn encode(splits: &Splits) -> Result<Vec<u8>, SafeTensorError> {
    let mut columns: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (set, examples) in SETS.iter().zip([&splits.train, &splits.validation, &splits.test]) {
        let Inputs::Real(values) = &examples.inputs else { unreachable!("synthetic inputs are real numbers") };
        let n = examples.len();
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        columns.push((format!("{set}.inputs"), Dtype::F32, vec![n, examples.shape.len()], bytes));
        for (name, labels) in [("labels", Some(&examples.labels)), ("clean_labels", examples.clean_labels.as_ref())] {
            if let Some(labels) = labels {
                let bytes = labels.iter().flat_map(|l| l.to_le_bytes()).collect();
                columns.push((format!("{set}.{name}"), Dtype::U16, vec![n], bytes));
            }
        }
    }
    let views = (columns.iter())
        .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(views, None)
}

/// The examples in these bytes, or what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<Splits, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let set = |set: &str| -> Result<Examples, String> {
        let inputs = tensors.tensor(&format!("{set}.inputs")).map_err(|error| error.to_string())?;
        let &[n, width] = inputs.shape() else { return Err(format!("{set}.inputs has not two dimensions")) };
        if inputs.dtype() != Dtype::F32 {
            return Err(format!("{set}.inputs are not of type F32"));
        }
        let labels = |name: &str| -> Result<Vec<u16>, String> {
            let labels = tensors.tensor(&format!("{set}.{name}")).map_err(|error| error.to_string())?;
            if labels.dtype() != Dtype::U16 || labels.shape() != [n] {
                return Err(format!("{set}.{name} are not {n} numbers of type U16"));
            }
            let labels: Vec<u16> = labels.data().as_chunks::<2>().0.iter().map(|&b| u16::from_le_bytes(b)).collect();
            match labels.iter().find(|label| **label >= CLASSES) {
                Some(label) => Err(format!("{set}.{name} hold the label {label}, and there are {CLASSES} classes")),
                None => Ok(labels),
            }
        };
        let clean = format!("{set}.clean_labels");
        Ok(Examples {
            shape: InputShape::Vector(width),
            inputs: Inputs::Real(inputs.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
            labels: labels("labels")?,
            clean_labels: tensors.names().contains(&clean.as_str()).then(|| labels("clean_labels")).transpose()?,
        })
    };
    Ok(Splits { train: set(SETS[0])?, validation: set(SETS[1])?, test: set(SETS[2])?, classes: 2 })
}
