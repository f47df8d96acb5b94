"""Masks of attention, as two graphs in text: before and after."""

import pytest

from pycandle.graph import text
from pycandle.passes import run_passes
from pycandle.passes.attention_masks import simplify_attention_masks
from pycandle.passes.indices import simplify_indices
from pycandle.passes.no_ops import drop_no_ops
from pycandle.passes.unused import drop_unused
from tests.rewrites import ATTENTION, HEAD, QUERY, check


def test_a_mask_that_is_always_true_goes():
    check(
        [simplify_attention_masks, drop_unused],
        QUERY
        + """
        %i: i64[s] = aten.arange.default(s)
        %g: bool[s] = aten.ge.Scalar(%i, 0)
        %e: bool[b, 1, s, s] = aten.expand.default(%g, [b, 1, s, s])
        """
        + ATTENTION
        + """%e)
        output "" %y
        """,
        QUERY
        + ATTENTION
        + """None, 0.0, False)
        output "" %y
        """,
    )


def test_a_causal_mask_becomes_is_causal():
    check(
        [simplify_attention_masks, drop_unused],
        QUERY
        + """
        %i: i64[s] = aten.arange.default(s)
        %k: i64[1, 1, 1, s] = aten.view.default(%i, [1, 1, 1, s])
        %n: i64[1, 1, s, 1] = aten.view.default(%i, [1, 1, s, 1])
        %c: bool[1, 1, s, s] = aten.le.Tensor(%k, %n)
        """
        + ATTENTION
        + """%c)
        output "" %y
        """,
        QUERY
        + ATTENTION
        + """None, 0.0, True)
        output "" %y
        """,
    )


@pytest.mark.parametrize(
    "mask",
    [
        "aten.le.Tensor(%k, %n)",
        "aten.ge.Tensor(%n, %k)",
        "aten.lt.Tensor(%before, %n)",
        "aten.bitwise_not.default(%after)",
    ],
)
def test_every_spelling_of_a_causal_mask_is_one(mask: str):
    assert is_causal(mask)


@pytest.mark.parametrize(
    "mask",
    [
        "aten.lt.Tensor(%k, %n)",
        "aten.ge.Tensor(%k, %n)",
        "aten.le.Tensor(%before, %n)",
        "aten.le.Tensor(%squared, %n)",
        "aten.eq.Tensor(%k, %n)",
        "aten.bitwise_and.Tensor(%causal, %near)",
        "aten.bitwise_or.Tensor(%causal, %near)",
        "aten.bitwise_and.Tensor(%causal, %padding)",
        "aten.bitwise_or.Tensor(%causal, %padding)",
    ],
)
def test_a_mask_that_is_almost_causal_is_not(mask: str):
    assert not is_causal(mask)


def is_causal(mask: str) -> bool:
    """Whether attention with this mask, of queries %n and keys %k, becomes causal."""
    shape = "b, 1, s, s" if "padding" in mask else "1, 1, s, s"
    graph = (
        QUERY
        + f"""
        %i: i64[s] = aten.arange.default(s)
        %k: i64[1, 1, 1, s] = aten.view.default(%i, [1, 1, 1, s])
        %n: i64[1, 1, s, 1] = aten.view.default(%i, [1, 1, s, 1])
        %before: i64[1, 1, 1, s] = aten.sub.Tensor(%k, 1)
        %squared: i64[1, 1, 1, s] = aten.mul.Tensor(%k, %k)
        %after: bool[1, 1, s, s] = aten.gt.Tensor(%k, %n)
        %causal: bool[1, 1, s, s] = aten.le.Tensor(%k, %n)
        %distance: i64[1, 1, s, s] = aten.sub.Tensor(%n, %k)
        %near: bool[1, 1, s, s] = aten.lt.Scalar(%distance, 3)
        %padding: bool[b, 1, 1, s] = aten.view.default(%m, [b, 1, 1, s])
        %c: bool[{shape}] = {mask}
        """
        + ATTENTION
        + """%c)
        output "" %y
        """
    )
    (attention,) = [
        node
        for node in run_passes(text.parse_graph(HEAD + graph)).nodes
        if node.op == "aten.scaled_dot_product_attention.default"
    ]
    return len(attention.args) > 5 and attention.args[3] is None and attention.args[5] is True


POSITIONS = """
        %a: i64[s + 3] = aten.arange.default(s + 3)
        %k: i64[1, 1, 1, s + 3] = aten.view.default(%a, [1, 1, 1, s + 3])
        %i: i64[s] = aten.arange.start(3, s + 3)
        %n: i64[1, 1, s, 1] = aten.view.default(%i, [1, 1, s, 1])
        %causal: bool[1, 1, s, s + 3] = aten.le.Tensor(%k, %n)
        %first: i64[1, 1, s, 1] = aten.sub.Tensor(%n, 5)
        %near: bool[1, 1, s, s + 3] = aten.gt.Tensor(%k, %first)
        %both: bool[1, 1, s, s + 3] = aten.bitwise_and.Tensor(%near, %causal)
        %e: bool[b, 1, s, s + 3] = aten.expand.default(%MASK, [b, 1, s, s + 3])
        %y: f32[b, 1, s, s + 3] = aten.mul.Tensor(%e, 0.5)
        output "" %y
        """


@pytest.mark.parametrize(
    ("mask", "made"),
    [("causal", "causal_mask(s, s + 3)"), ("both", "sliding_window_mask(s, s + 3, 5)")],
)
def test_a_mask_by_positions_is_one_op(mask: str, made: str):
    check(
        [simplify_indices, drop_unused],
        POSITIONS.replace("MASK", mask),
        f"""
        %e_form_0: bool[1, 1, s, s + 3] = rt.{made}
        %e_form_1: bool[b, 1, s, s + 3] = aten.expand.default(%e_form_0, [b, 1, s, s + 3])
        %y: f32[b, 1, s, s + 3] = aten.mul.Tensor(%e_form_1, 0.5)
        output "" %y
        """,
    )


def test_a_mask_of_other_positions_is_compared():
    made = run_passes(text.parse_graph(HEAD + POSITIONS.replace("MASK", "near")))
    later = POSITIONS.replace("MASK", "causal").replace("le.Tensor(%k, %n)", "lt.Tensor(%k, %n)")

    assert not [node for node in made.nodes if node.op.startswith("rt.")]
    made = run_passes(text.parse_graph(HEAD + later))
    assert not [node for node in made.nodes if node.op.startswith("rt.")]


def test_a_padding_mask_is_as_small_as_it_broadcasts_from():
    check(
        [drop_no_ops, simplify_attention_masks, drop_unused],
        QUERY
        + """
        %i: i64[b] = aten.arange.default(b)
        %j: i64[s] = aten.arange.default(s)
        %p: i64[b, 1, 1, 1] = aten.view.default(%i, [b, 1, 1, 1])
        %k: i64[1, 1, 1, s] = aten.view.default(%j, [1, 1, 1, s])
        %t: bool[b, 1, 1, s] = aten.index.Tensor(%m, [%p, %k])
        %e: bool[b, 1, s, s] = aten.expand.default(%t, [b, 1, s, s])
        """
        + ATTENTION
        + """%e)
        output "" %y
        """,
        QUERY
        + """
        %e_form_0: bool[b, 1, 1, s] = aten.view.default(%m, [b, 1, 1, s])
        """
        + ATTENTION
        + """%e_form_0, 0.0, False)
        output "" %y
        """,
    )
