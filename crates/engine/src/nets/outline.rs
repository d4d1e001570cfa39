//! The sizes of a network's layers, from its specification alone: what memory, operations and traffic follow from, before
//! anything is allocated.

use flooding_core::dataset::InputShape;
use flooding_core::spec::ModelSpec;

use crate::geometry::{ImageSize, Window};

/// One layer, of one member. Pixels are those of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Linear, then batch normalisation where `norm` says so.
    Linear {
        /// Numbers that go in, an example.
        inputs: usize,
        /// Numbers that come out.
        outputs: usize,
        /// Is there a batch normalisation?
        norm: bool,
    },
    /// Convolution without bias, then batch normalisation.
    Conv {
        /// Channels that go in.
        inputs: usize,
        /// Channels that come out.
        outputs: usize,
        /// Its window.
        window: Window,
        /// Pixels that go in.
        from: usize,
        /// Pixels that come out.
        to: usize,
        /// Pairs of an output pixel and an input pixel that it reads.
        connections: usize,
    },
    /// Max pooling.
    Pool {
        /// Channels.
        channels: usize,
        /// Its window.
        window: Window,
        /// Pixels that go in.
        from: usize,
        /// Pixels that come out.
        to: usize,
    },
    /// An option-A shortcut.
    Shortcut {
        /// Channels that come out.
        outputs: usize,
        /// Pixels that come out.
        to: usize,
    },
    /// The mean over all pixels.
    Average {
        /// Channels.
        channels: usize,
        /// Pixels that go in.
        from: usize,
    },
}

impl Layer {
    /// Trained numbers.
    pub fn trainable(self) -> f64 {
        match self {
            Self::Linear { inputs, outputs, norm } => {
                let (inputs, outputs) = (inputs as f64, outputs as f64);
                outputs * (inputs + if norm { 3.0 } else { 1.0 })
            }
            Self::Conv { inputs, outputs, window, .. } => outputs as f64 * (inputs as f64 * window.taps() as f64 + 2.0),
            Self::Pool { .. } | Self::Shortcut { .. } | Self::Average { .. } => 0.0,
        }
    }

    /// Running statistics of batch normalisation.
    pub fn statistics(self) -> f64 {
        match self {
            Self::Linear { outputs, norm: true, .. } | Self::Conv { outputs, .. } => 2.0 * outputs as f64,
            _ => 0.0,
        }
    }

    /// Floating-point operations of one example's forward pass in products of matrices and convolutions, a multiplication
    /// and an addition counted as two; what a layer does besides is a few per cent of that.
    pub fn operations(self) -> f64 {
        match self {
            Self::Linear { inputs, outputs, .. } => 2.0 * inputs as f64 * outputs as f64,
            Self::Conv { inputs, outputs, connections, .. } => 2.0 * (inputs * outputs) as f64 * connections as f64,
            Self::Pool { .. } | Self::Shortcut { .. } | Self::Average { .. } => 0.0,
        }
    }
}

/// The layers of a network, in the order in which a batch meets them.
pub fn outline(model: &ModelSpec, input: InputShape, classes: usize) -> Vec<Layer> {
    match model {
        ModelSpec::Mlp { hidden, batch_norm } => {
            let widths: Vec<usize> = std::iter::once(input.len()).chain(hidden.iter().map(|&w| w as usize)).collect();
            let hidden = widths.windows(2).map(|w| Layer::Linear { inputs: w[0], outputs: w[1], norm: *batch_norm });
            let last = Layer::Linear { inputs: widths[widths.len() - 1], outputs: classes, norm: false };
            hidden.chain([last]).collect()
        }
        ModelSpec::CifarResnet { blocks, width } => {
            let mut way = Way::new(input.into(), 3, 1, *width as usize, 1);
            for stage in 0..3 {
                for block in 0..*blocks {
                    way.block(stage > 0 && block == 0, false);
                }
            }
            way.head(classes)
        }
        ModelSpec::Resnet18 { width } => {
            let mut way = Way::new(input.into(), 7, 2, *width as usize, 3);
            way.pool();
            for stage in 0..4 {
                for block in 0..2 {
                    way.block(stage > 0 && block == 0, true);
                }
            }
            way.head(classes)
        }
    }
}

/// A batch of images on its way through a residual network.
struct Way {
    layers: Vec<Layer>,
    channels: usize,
    /// Rows and columns.
    at: (usize, usize),
}

impl Way {
    /// After the stem.
    fn new(size: ImageSize, kernel: usize, stride: usize, width: usize, pad: usize) -> Self {
        let mut way = Self { layers: Vec::new(), channels: size.channels, at: (size.height, size.width) };
        way.conv(width, Window::new(kernel, stride, pad));
        way
    }

    fn connections(&self, window: Window) -> usize {
        window.connections(self.at.0) * window.connections(self.at.1)
    }

    /// Slides a window over the maps; returns pixels before and after.
    fn slide(&mut self, window: Window) -> (usize, usize) {
        let from = self.at.0 * self.at.1;
        self.at = (window.out(self.at.0), window.out(self.at.1));
        (from, self.at.0 * self.at.1)
    }

    fn conv(&mut self, outputs: usize, window: Window) {
        let connections = self.connections(window);
        let (from, to) = self.slide(window);
        self.layers.push(Layer::Conv { inputs: self.channels, outputs, window, from, to, connections });
        self.channels = outputs;
    }

    fn pool(&mut self) {
        let window = Window::new(3, 2, 1);
        let (from, to) = self.slide(window);
        self.layers.push(Layer::Pool { channels: self.channels, window, from, to });
    }

    /// Two convolutions and a shortcut; `halved` doubles the channels and halves rows and columns.
    fn block(&mut self, halved: bool, projected: bool) {
        let (inputs, from) = (self.channels, self.at.0 * self.at.1);
        let (stride, outputs) = if halved { (2, 2 * inputs) } else { (1, inputs) };
        let shortcut = Window::new(1, stride, 0);
        let connections = self.connections(shortcut);
        self.conv(outputs, Window::new(3, stride, 1));
        let to = self.at.0 * self.at.1;
        if halved {
            self.layers.push(if projected {
                Layer::Conv { inputs, outputs, window: shortcut, from, to, connections }
            } else {
                Layer::Shortcut { outputs, to }
            });
        }
        self.conv(outputs, Window::new(3, 1, 1));
    }

    fn head(mut self, classes: usize) -> Vec<Layer> {
        self.layers.push(Layer::Average { channels: self.channels, from: self.at.0 * self.at.1 });
        self.layers.push(Layer::Linear { inputs: self.channels, outputs: classes, norm: false });
        self.layers
    }
}
