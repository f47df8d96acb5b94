use super::*;
use pycandle_runtime::parity::{self, Inputs, Isolated};

impl Isolated for ResNet {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("conv1", rest) => self.conv1.call(rest, inputs),
            ("bn1", rest) => self.bn1.call(rest, inputs),
            ("relu", rest) => self.relu.call(rest, inputs),
            ("maxpool", rest) => self.maxpool.call(rest, inputs),
            ("layer1", rest) => self.layers[0].call(rest, inputs),
            ("layer2", rest) => self.layers[1].call(rest, inputs),
            ("layer3", rest) => self.layers[2].call(rest, inputs),
            ("layer4", rest) => self.layers[3].call(rest, inputs),
            ("avgpool", rest) => self.avgpool.call(rest, inputs),
            ("fc", rest) => self.fc.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Layer {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.basic_blocks[0].call(rest, inputs),
            ("1", rest) => self.basic_blocks[1].call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for BasicBlock {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("conv1", rest) => self.conv1.call(rest, inputs),
            ("bn1", rest) => self.bn1.call(rest, inputs),
            ("relu", rest) => self.relu.call(rest, inputs),
            ("conv2", rest) => self.conv2.call(rest, inputs),
            ("bn2", rest) => self.bn2.call(rest, inputs),
            ("downsample", rest) => match &self.downsample {
                Some(module) => module.call(rest, inputs),
                None => parity::unknown(path),
            },
            _ => parity::unknown(path),
        }
    }
}

impl Isolated for Downsample {
    fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
        match parity::step(path) {
            ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
            ("0", rest) => self.conv2d_0.call(rest, inputs),
            ("1", rest) => self.batch_norm_1.call(rest, inputs),
            _ => parity::unknown(path),
        }
    }
}

/// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "conv1", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "bn1", call: 0, inputs: &["conv1#0.0"], elided: false },
    parity::Region { path: "relu", call: 0, inputs: &["bn1#0.0"], elided: false },
    parity::Region { path: "maxpool", call: 0, inputs: &["relu#0.0"], elided: false },
    parity::Region { path: "layer1", call: 0, inputs: &["maxpool#0.0"], elided: false },
    parity::Region { path: "layer1.0", call: 0, inputs: &["maxpool#0.0"], elided: false },
    parity::Region { path: "layer1.0.conv1", call: 0, inputs: &["maxpool#0.0"], elided: false },
    parity::Region { path: "layer1.0.bn1", call: 0, inputs: &["layer1.0.conv1#0.0"], elided: false },
    parity::Region { path: "layer1.0.relu", call: 0, inputs: &["layer1.0.bn1#0.0"], elided: false },
    parity::Region { path: "layer1.0.conv2", call: 0, inputs: &["layer1.0.relu#0.0"], elided: false },
    parity::Region { path: "layer1.0.bn2", call: 0, inputs: &["layer1.0.conv2#0.0"], elided: false },
    parity::Region { path: "layer1.0.relu", call: 1, inputs: &["layer1.0.relu#1.input"], elided: false },
    parity::Region { path: "layer1.1", call: 0, inputs: &["layer1.0#0.0"], elided: false },
    parity::Region { path: "layer1.1.conv1", call: 0, inputs: &["layer1.0#0.0"], elided: false },
    parity::Region { path: "layer1.1.bn1", call: 0, inputs: &["layer1.1.conv1#0.0"], elided: false },
    parity::Region { path: "layer1.1.relu", call: 0, inputs: &["layer1.1.bn1#0.0"], elided: false },
    parity::Region { path: "layer1.1.conv2", call: 0, inputs: &["layer1.1.relu#0.0"], elided: false },
    parity::Region { path: "layer1.1.bn2", call: 0, inputs: &["layer1.1.conv2#0.0"], elided: false },
    parity::Region { path: "layer1.1.relu", call: 1, inputs: &["layer1.1.relu#1.input"], elided: false },
    parity::Region { path: "layer2", call: 0, inputs: &["layer1#0.0"], elided: false },
    parity::Region { path: "layer2.0", call: 0, inputs: &["layer1#0.0"], elided: false },
    parity::Region { path: "layer2.0.conv1", call: 0, inputs: &["layer1#0.0"], elided: false },
    parity::Region { path: "layer2.0.bn1", call: 0, inputs: &["layer2.0.conv1#0.0"], elided: false },
    parity::Region { path: "layer2.0.relu", call: 0, inputs: &["layer2.0.bn1#0.0"], elided: false },
    parity::Region { path: "layer2.0.conv2", call: 0, inputs: &["layer2.0.relu#0.0"], elided: false },
    parity::Region { path: "layer2.0.bn2", call: 0, inputs: &["layer2.0.conv2#0.0"], elided: false },
    parity::Region { path: "layer2.0.downsample", call: 0, inputs: &["layer1#0.0"], elided: false },
    parity::Region { path: "layer2.0.downsample.0", call: 0, inputs: &["layer1#0.0"], elided: false },
    parity::Region { path: "layer2.0.downsample.1", call: 0, inputs: &["layer2.0.downsample.0#0.0"], elided: false },
    parity::Region { path: "layer2.0.relu", call: 1, inputs: &["layer2.0.relu#1.input"], elided: false },
    parity::Region { path: "layer2.1", call: 0, inputs: &["layer2.0#0.0"], elided: false },
    parity::Region { path: "layer2.1.conv1", call: 0, inputs: &["layer2.0#0.0"], elided: false },
    parity::Region { path: "layer2.1.bn1", call: 0, inputs: &["layer2.1.conv1#0.0"], elided: false },
    parity::Region { path: "layer2.1.relu", call: 0, inputs: &["layer2.1.bn1#0.0"], elided: false },
    parity::Region { path: "layer2.1.conv2", call: 0, inputs: &["layer2.1.relu#0.0"], elided: false },
    parity::Region { path: "layer2.1.bn2", call: 0, inputs: &["layer2.1.conv2#0.0"], elided: false },
    parity::Region { path: "layer2.1.relu", call: 1, inputs: &["layer2.1.relu#1.input"], elided: false },
    parity::Region { path: "layer3", call: 0, inputs: &["layer2#0.0"], elided: false },
    parity::Region { path: "layer3.0", call: 0, inputs: &["layer2#0.0"], elided: false },
    parity::Region { path: "layer3.0.conv1", call: 0, inputs: &["layer2#0.0"], elided: false },
    parity::Region { path: "layer3.0.bn1", call: 0, inputs: &["layer3.0.conv1#0.0"], elided: false },
    parity::Region { path: "layer3.0.relu", call: 0, inputs: &["layer3.0.bn1#0.0"], elided: false },
    parity::Region { path: "layer3.0.conv2", call: 0, inputs: &["layer3.0.relu#0.0"], elided: false },
    parity::Region { path: "layer3.0.bn2", call: 0, inputs: &["layer3.0.conv2#0.0"], elided: false },
    parity::Region { path: "layer3.0.downsample", call: 0, inputs: &["layer2#0.0"], elided: false },
    parity::Region { path: "layer3.0.downsample.0", call: 0, inputs: &["layer2#0.0"], elided: false },
    parity::Region { path: "layer3.0.downsample.1", call: 0, inputs: &["layer3.0.downsample.0#0.0"], elided: false },
    parity::Region { path: "layer3.0.relu", call: 1, inputs: &["layer3.0.relu#1.input"], elided: false },
    parity::Region { path: "layer3.1", call: 0, inputs: &["layer3.0#0.0"], elided: false },
    parity::Region { path: "layer3.1.conv1", call: 0, inputs: &["layer3.0#0.0"], elided: false },
    parity::Region { path: "layer3.1.bn1", call: 0, inputs: &["layer3.1.conv1#0.0"], elided: false },
    parity::Region { path: "layer3.1.relu", call: 0, inputs: &["layer3.1.bn1#0.0"], elided: false },
    parity::Region { path: "layer3.1.conv2", call: 0, inputs: &["layer3.1.relu#0.0"], elided: false },
    parity::Region { path: "layer3.1.bn2", call: 0, inputs: &["layer3.1.conv2#0.0"], elided: false },
    parity::Region { path: "layer3.1.relu", call: 1, inputs: &["layer3.1.relu#1.input"], elided: false },
    parity::Region { path: "layer4", call: 0, inputs: &["layer3#0.0"], elided: false },
    parity::Region { path: "layer4.0", call: 0, inputs: &["layer3#0.0"], elided: false },
    parity::Region { path: "layer4.0.conv1", call: 0, inputs: &["layer3#0.0"], elided: false },
    parity::Region { path: "layer4.0.bn1", call: 0, inputs: &["layer4.0.conv1#0.0"], elided: false },
    parity::Region { path: "layer4.0.relu", call: 0, inputs: &["layer4.0.bn1#0.0"], elided: false },
    parity::Region { path: "layer4.0.conv2", call: 0, inputs: &["layer4.0.relu#0.0"], elided: false },
    parity::Region { path: "layer4.0.bn2", call: 0, inputs: &["layer4.0.conv2#0.0"], elided: false },
    parity::Region { path: "layer4.0.downsample", call: 0, inputs: &["layer3#0.0"], elided: false },
    parity::Region { path: "layer4.0.downsample.0", call: 0, inputs: &["layer3#0.0"], elided: false },
    parity::Region { path: "layer4.0.downsample.1", call: 0, inputs: &["layer4.0.downsample.0#0.0"], elided: false },
    parity::Region { path: "layer4.0.relu", call: 1, inputs: &["layer4.0.relu#1.input"], elided: false },
    parity::Region { path: "layer4.1", call: 0, inputs: &["layer4.0#0.0"], elided: false },
    parity::Region { path: "layer4.1.conv1", call: 0, inputs: &["layer4.0#0.0"], elided: false },
    parity::Region { path: "layer4.1.bn1", call: 0, inputs: &["layer4.1.conv1#0.0"], elided: false },
    parity::Region { path: "layer4.1.relu", call: 0, inputs: &["layer4.1.bn1#0.0"], elided: false },
    parity::Region { path: "layer4.1.conv2", call: 0, inputs: &["layer4.1.relu#0.0"], elided: false },
    parity::Region { path: "layer4.1.bn2", call: 0, inputs: &["layer4.1.conv2#0.0"], elided: false },
    parity::Region { path: "layer4.1.relu", call: 1, inputs: &["layer4.1.relu#1.input"], elided: false },
    parity::Region { path: "avgpool", call: 0, inputs: &["layer4#0.0"], elided: false },
    parity::Region { path: "fc", call: 0, inputs: &["fc#0.input"], elided: false },
];

const SPEC: parity::Spec = parity::Spec {
    name: "resnet",
    manifest: "resnet_manifest.json",
    root: env!("CARGO_MANIFEST_DIR"),
    options: "manifest=resnet_manifest.json\u{a}model=\u{a}module=resnet\u{a}",
    regions: REGIONS,
};

#[test]
fn isolated() -> Result<()> {
    parity::isolated(&SPEC, ResNet::load)
}

#[test]
fn cumulative() -> Result<()> {
    parity::cumulative(&SPEC, ResNet::load, |model, inputs| {
        Ok(vec![model.forward(inputs.tensor(0)?)?])
    })
}

#[test]
fn digest() -> Result<()> {
    parity::digest(&SPEC)
}
