mod checked {
    #[allow(unused_imports)]
    use super::*;
    use candle_core::{Result, Tensor};
    use candle_nn::VarBuilder;
    use pycandle_runtime::{PyChecker, Scope, nn, ops, py_check};

    /// __main__.Mlp (model.py:20)
    #[derive(Debug, Clone)]
    pub struct Mlp {
        pub features: Features,
        pub head: nn::Linear,
        pub checker: Option<PyChecker>,
    }

    impl Mlp {
        pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
            Ok(Self {
                features: Features::load(vb.pp("features"), checker.pp("features"))?,
                head: nn::linear_no_bias(16, 3, vb.pp("head"), checker.pp("head"))?,
                checker,
            })
        }

        pub fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
            let batch = x.dim(0)?;
            ops::expect_size("batch", batch, 1, None)?;
            ops::expect_shape("x", x, &[batch, 8])?;
            let features = self.features.forward(x)?;
            let logits = self.head.forward(&features)?;
            let probabilities = ops::softmax(&logits, 1)?;
            py_check!(self.checker, "", &logits, &probabilities);
            Ok((logits, probabilities))
        }
    }

    /// torch.nn.modules.container.Sequential (torch/nn/modules/container.py:254)
    #[derive(Debug, Clone)]
    pub struct Features {
        pub linear_0: nn::Linear,
        pub relu_1: nn::Func,
        pub linear_3: nn::Linear,
        pub tanh_4: nn::Func,
        pub checker: Option<PyChecker>,
    }

    impl Features {
        pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
            Ok(Self {
                linear_0: nn::linear(8, 16, vb.pp("0"), checker.pp("0"))?,
                relu_1: nn::func(ops::relu, checker.pp("1")),
                linear_3: nn::linear(16, 16, vb.pp("3"), checker.pp("3"))?,
                tanh_4: nn::func(ops::tanh, checker.pp("4")),
                checker,
            })
        }

        pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
            let input = self.linear_0.then(&self.relu_1).forward(input)?;
            let input = self.linear_3.then(&self.tanh_4).forward(&input)?;
            py_check!(self.checker, "", &input);
            Ok(input)
        }
    }

    mod parity {
        use super::*;
        use pycandle_runtime::parity::{self, Inputs, Isolated};

        impl Isolated for Mlp {
            fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
                match parity::step(path) {
                    ("", _) => {
                        let (y0, y1) = self.forward(inputs.tensor(0)?)?;
                        Ok(vec![y0, y1])
                    }
                    ("features", rest) => self.features.call(rest, inputs),
                    ("head", rest) => self.head.call(rest, inputs),
                    _ => parity::unknown(path),
                }
            }
        }

        impl Isolated for Features {
            fn call(&self, path: &str, inputs: &Inputs) -> Result<Vec<Tensor>> {
                match parity::step(path) {
                    ("", _) => Ok(vec![self.forward(inputs.tensor(0)?)?]),
                    ("0", rest) => self.linear_0.call(rest, inputs),
                    ("1", rest) => self.relu_1.call(rest, inputs),
                    ("3", rest) => self.linear_3.call(rest, inputs),
                    ("4", rest) => self.tanh_4.call(rest, inputs),
                    _ => parity::unknown(path),
                }
            }
        }

        /// Every module call of the recording, in order. What computes nothing is elided.
#[rustfmt::skip]
const REGIONS: &[parity::Region] = &[
    parity::Region { path: "", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features.0", call: 0, inputs: &["#0.x"], elided: false },
    parity::Region { path: "features.1", call: 0, inputs: &["features.0#0.0"], elided: false },
    parity::Region { path: "features.2", call: 0, inputs: &[], elided: true },
    parity::Region { path: "features.3", call: 0, inputs: &["features.2#0.0"], elided: false },
    parity::Region { path: "features.4", call: 0, inputs: &["features.3#0.0"], elided: false },
    parity::Region { path: "skip", call: 0, inputs: &[], elided: true },
    parity::Region { path: "head", call: 0, inputs: &["features#0.0"], elided: false },
];

        const SPEC: parity::Spec = parity::Spec {
            name: "mlp",
            manifest: "mlp_manifest.json",
            root: env!("CARGO_MANIFEST_DIR"),
            options: "checker=false\u{a}manifest=mlp_manifest.json\u{a}model=\u{a}module=mlp\u{a}",
            regions: REGIONS,
        };

        #[test]
        fn isolated() -> Result<()> {
            parity::isolated(&SPEC, Mlp::load)
        }

        #[test]
        fn cumulative() -> Result<()> {
            parity::cumulative(&SPEC, Mlp::load, |model, inputs| {
                let (y0, y1) = model.forward(inputs.tensor(0)?)?;
                Ok(vec![y0, y1])
            })
        }

        #[test]
        fn digest() -> Result<()> {
            parity::digest(&SPEC)
        }
    }
}
