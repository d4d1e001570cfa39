//! The devices that train, and how they are named.

use std::fmt;
use std::str::FromStr;

/// Where a network lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor; one thread a run.
    #[default]
    Cpu,
    /// The CUDA device of this ordinal.
    Cuda(usize),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.pad("cpu"),
            Self::Cuda(ordinal) => f.pad(&format!("cuda:{ordinal}")),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let ordinal = match text {
            "cpu" => return Ok(Self::Cpu),
            "cuda" => Some(0),
            _ => text.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok()),
        };
        ordinal.map(Self::Cuda).ok_or_else(|| DeviceError::Unknown(text.to_owned()))
    }
}

/// Devices that train side by side: the processor, or CUDA devices. Never empty, and none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devices(Vec<DeviceChoice>);

/// Why a text names no devices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// It is not the name of a device.
    #[error("`{0}` is no device: expected cpu, cuda, or cuda:N")]
    Unknown(String),
    /// A device stands there twice.
    #[error("{0} is named twice: a device has one worker, which trains as many levels together as fit")]
    Twice(DeviceChoice),
    /// The processor stands beside a GPU.
    #[error(
        "cpu and {0} do not train in one process, because a trial's levels must round alike: start one process for each \
         on the same folder, and they divide the tasks"
    )]
    Mixed(DeviceChoice),
}

impl Devices {
    /// All of them, in the order in which they were named.
    pub fn all(&self) -> &[DeviceChoice] {
        &self.0
    }

    /// Is it the processor?
    pub fn are_cpu(&self) -> bool {
        self.0.contains(&DeviceChoice::Cpu)
    }
}

impl Default for Devices {
    fn default() -> Self {
        Self::from(DeviceChoice::default())
    }
}

impl From<DeviceChoice> for Devices {
    fn from(device: DeviceChoice) -> Self {
        Self(vec![device])
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.pad(&names.join(","))
    }
}

impl FromStr for Devices {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let devices = text.split(',').map(str::parse).collect::<Result<Vec<DeviceChoice>, _>>()?;
        let again = devices.iter().enumerate().find(|(at, device)| devices[..*at].contains(device));
        let gpu = devices.iter().find(|device| **device != DeviceChoice::Cpu);
        match (again, gpu) {
            (Some((_, &device)), _) => Err(DeviceError::Twice(device)),
            (None, Some(&gpu)) if devices.contains(&DeviceChoice::Cpu) => Err(DeviceError::Mixed(gpu)),
            _ => Ok(Self(devices)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for (text, count) in [("cpu", 1), ("cuda:3", 1), ("cuda:1,cuda:0", 2)] {
            let devices: Devices = text.parse().unwrap();
            assert_eq!((devices.to_string(), devices.all().len()), (text.to_owned(), count));
        }
        assert_eq!("cuda".parse(), Ok(Devices::from(DeviceChoice::Cuda(0))));
    }

    #[test]
    fn unknown_repeated_and_mixed_devices_are_refused() {
        let refused = |text: &str| text.parse::<Devices>().expect_err(text);
        for text in ["", "gpu", "cuda:x", "cuda:-1", "cuda:0,", "cuda:0,cuda:x"] {
            assert!(matches!(refused(text), DeviceError::Unknown(_)), "{text}");
        }
        assert_eq!(refused("cuda:0,cuda:0"), DeviceError::Twice(DeviceChoice::Cuda(0)));
        assert_eq!(refused("cuda,cuda:0"), DeviceError::Twice(DeviceChoice::Cuda(0)));
        assert_eq!(refused("cpu,cpu"), DeviceError::Twice(DeviceChoice::Cpu));
        assert_eq!(refused("cpu,cuda:0"), DeviceError::Mixed(DeviceChoice::Cuda(0)));
    }
}
