"""How many lines rustfmt makes of a printed line, as functions are cut by them."""

import pytest

from pycandle.emit.layout import height


def check(line: str, lines: int):
    assert height(line) == lines


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("let batch = x.dim(0)?;", 1),
        ("let x = self.embeddings.forward(&input_ids, &token_type_ids)?;", 1),
        (
            "let y = ops::conv1d(&hidden_states, &self.conv1d_weight.squeeze(1)?.unsqueeze(1)?,"
            " Some(&self.conv1d_bias), 1, 3, 1, 2176)?;",
            9,
        ),
        (
            "let x = ops::softmax(&query_layer, 3)?.reshape((batch, seq, 1024))?"
            ".transpose(1, 2)?.contiguous()?;",
            5,
        ),
        ('ops::expect_relation("(a, b), (((", batch == 1)?;', 1),
        ("for layer in &self.layers {", 1),
        (f"let [{', '.join(f'x_{k}' for k in range(40))}] = tensors;", 42),
        (f"let x = ops::cat(&[{', '.join(f'&x_{k}' for k in range(40))}], 0)?;", 10),
    ],
)
def test_a_line_takes_as_many_lines_as_rustfmt_makes_of_it(line: str, lines: int):
    check(line, lines)
