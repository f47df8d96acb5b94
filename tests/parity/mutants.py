"""Generated code with one mistake each, as data: what is changed, and which module is to blame.

A mutant proves that the parity test would have told. Most are made in a struct's `load`, so that
one layer of a stack is wrong and the others are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.parity.crate import Edit


@dataclass(frozen=True)
class Mutant:
    """Edits of a model's code, and the module call that a report must name first."""

    model: str
    culprit: str
    edits: Sequence[Edit]
    # A mistake so small that it drowns in what float32 lost before the module.
    only_isolated: bool = False


def in_layer(model: str, culprit: str, layers: str, index: int, change: str) -> Mutant:
    """`change` is Rust on `layer`, one of the `layers` that a struct's load collects."""
    collected = ".collect::<Result<Vec<_>>>()?,\n"
    changed = (
        ".collect::<Result<Vec<_>>>()\n"
        ".and_then(|mut layers| {\n"
        f"    let layer: &mut {layers} = &mut layers[{index}];\n"
        f"    {change}\n"
        "    Ok(layers)\n"
        "})?,\n"
    )
    return Mutant(model, culprit, (Edit("", collected, changed),))


TRANSPOSE = "layer.{0}.weight = layer.{0}.weight.t()?.contiguous()?;"

LOAD_DOWN = """\
nn::conv1d(
                12,
                12,
                3,
                Conv1dConfig {
                    padding: 1,
                    ..Default::default()
                },
                vb.pp("down"),
                checker.pp("down"),
            )?"""

# A kernel of three with two zeros behind it, padded by two, reads one element further left.
SHIFTED_DOWN = (
    f"{{ let mut down = {LOAD_DOWN};"
    """
    let zeros = down.weight.narrow(2, 0, 2)?.zeros_like()?;
    down.weight = Tensor::cat(&[&down.weight, &zeros], 2)?;
    down.config.padding = [(2, 2)];
    down
}"""
)

LAST_NORM = """\
ln_f: nn::layer_norm(
                EMBED_DIM,
                LAYER_NORM_EPSILON,
"""
PROJECTED = "let hidden_states = self.c_proj.forward(&hidden_states)?;\n"
ONE_NAN = """\
let mut elements = hidden_states.flatten_all()?.to_vec1::<f32>()?;
elements[7] = f32::NAN;
let hidden_states = Tensor::from_vec(elements, hidden_states.shape(), hidden_states.device())?;
"""

MUTANTS: dict[str, Mutant] = {
    "eps_of_the_last_norm_of_gpt2": Mutant(
        "gpt2", "transformer.ln_f",
        [Edit("", LAST_NORM, LAST_NORM.replace("LAYER_NORM_EPSILON", "1e-3"))],
    ),
    "eps_in_the_last_block_of_gpt2": in_layer(
        "gpt2", "transformer.h.2.ln_2", "GPT2Block", 2, "layer.ln_2.eps = 1e-3;"
    ),
    "eps_in_the_last_layer_of_bert": in_layer(
        "bert", "encoder.layer.2.output.LayerNorm", "BertLayer", 2,
        "layer.output.layer_norm.eps = 1e-5;",
    ),
    "eps_behind_a_loss_of_digits": Mutant(
        "offset", "norm",
        [Edit("", "norm: nn::layer_norm(24, 1e-5,", "norm: nn::layer_norm(24, 3e-5,")],
        only_isolated=True,
    ),
    "transposed_query_of_bert": in_layer(
        "bert", "encoder.layer.1.attention.self.query", "BertLayer", 1,
        TRANSPOSE.format("attention.self_.query"),
    ),
    "transposed_projection_of_gpt2": in_layer(
        "gpt2", "transformer.h.1.attn.c_proj", "GPT2Block", 1, TRANSPOSE.format("attn.c_proj")
    ),
    "tanh_gelu_in_bert": in_layer(
        "bert", "encoder.layer.2.intermediate.intermediate_act_fn", "BertLayer", 2,
        "layer.intermediate.intermediate_act_fn.function = std::sync::Arc::new(ops::gelu_tanh);",
    ),
    "no_padding_mask_in_bert": Mutant(
        "bert", "encoder.layer.0.attention.self", [Edit("", "Some(attention_mask),", "None,")]
    ),
    "one_more_pad_in_conv_net": Mutant(
        "conv_net", "down",
        [Edit("", LOAD_DOWN, LOAD_DOWN.replace("padding: 1", "padding: 2"))],
    ),
    "shifted_pad_in_conv_net": Mutant("conv_net", "down", [Edit("", LOAD_DOWN, SHIFTED_DOWN)]),
    "one_nan_in_gpt2": Mutant(
        "gpt2", "transformer.h.0.mlp", [Edit("", PROJECTED, PROJECTED + ONE_NAN)]
    ),
}  # fmt: skip
