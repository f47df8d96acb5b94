"""Lists of which each block takes and gives an item are arguments, with one loop through them."""

from dataclasses import replace

from pycandle.emit import generate
from pycandle.graph import Boundary, manifest, text

HEAD = """
graph toy
symbol past 0.. = 3
input "x" %x: f32[2, 4]
input "keys_0" %k0: f32[past, 4]
input "keys_1" %k1: f32[past, 4]
region 1 "blocks.0" 0 "Block" 0
region 2 "blocks.1" 0 "Block" 0
%j0: f32[past + 2, 4] = aten.cat.default([%k0, %x]) @1
%y0: f32[2, 4] = aten.neg.default(%x) @1
%j1: f32[past + 2, 4] = aten.cat.default([%k1, %y0]) @2
%y1: f32[2, 4] = aten.neg.default(%y0) @2
"""
OUTPUTS = """
output "out" %y1
output "keys.0" %j0
output "keys.1" %j1
"""
HELD = """region 1 "body" 0 "Body" 0
region 2 "body.blocks.0" 0 "Block" 1
region 3 "body.blocks.1" 0 "Block" 1"""
NAMES = {"x": "x", "k0": "keys.0", "k1": "keys.1"}


def code(graph: str, held: bool = False) -> list[str]:
    """The code, where the blocks' boundaries are as a recording names them.

    `held` blocks are those of a module that is the model's.
    """
    if held:
        graph = graph.replace('region 1 "blocks.0" 0 "Block" 0', HELD)
        graph = graph.replace('region 2 "blocks.1" 0 "Block" 0\n', "")
        graph = graph.replace(" @2\n", " @3\n").replace(" @1\n", " @2\n")
    parsed = text.parse_graph(graph)
    root = tuple(Boundary(NAMES[e.value.name], e.value.name, "") for e in parsed.inputs)
    blocks = [
        (("x", "x"), ("keys", "k0"), ("", "y0"), ("keys", "j0")),
        (("x", "y0"), ("keys", "k1"), ("", "y1"), ("keys", "j1")),
    ]
    regions = [replace(parsed.regions[0], inputs=root)]
    if held:
        outputs = (Boundary("0", "y1", ""), Boundary("1.0", "j0", ""), Boundary("1.1", "j1", ""))
        regions.append(replace(parsed.regions[1], inputs=root, outputs=outputs))
    for region, pairs in zip(parsed.regions[1 + held :], blocks, strict=True):
        first, second, *given = (Boundary(name, value, "") for name, value in pairs)
        regions.append(replace(region, inputs=(first, second), outputs=tuple(given)))
    document = manifest.dump(replace(parsed, regions=tuple(regions)))
    made = generate(document, "toy", {"stateful": "true"}, "d", "")["toy.rs"]
    return [line.strip() for line in made.splitlines()]


def test_each_block_takes_and_gives_an_item():
    made = code(HEAD + OUTPUTS)
    for line in (
        "pub fn forward(&self, x: &Tensor, keys: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {",
        'let past = ops::first("keys", keys)?.dim(0)?;',
        'ops::expect_shapes("keys", keys, self.blocks.len(), &[past, 4])?;',
        "for (block, key) in self.blocks.iter().zip(keys) {",
        "keys_2.push(key_2);",
        "Ok((out, keys_2))",
        "pub keys: Vec<Tensor>,",
        "Ok(Self::new(model, vec![empty.clone(); 2]))",
    ):
        assert line in made, "\n".join(made)


def test_a_list_of_another_length_is_refused_before_anything_is_computed():
    made = code(HEAD + OUTPUTS, held=True)
    text = "\n".join(made)
    assert 'ops::expect_shapes("keys", keys, 2, &[past, 4])?;' in made, text
    lines = iter(made[made.index("impl Body {") :])
    head = next(line for line in lines if line.startswith("pub fn forward("))
    assert head.endswith("keys: &[Tensor]) -> Result<(Tensor, Vec<Tensor>)> {")
    assert next(lines) == 'ops::expect_items("keys", keys, self.blocks.len())?;', text


def test_an_item_that_is_read_by_itself_keeps_them_apart():
    alone = '%z: f32[past, 4] = aten.neg.default(%k1)\noutput "alone" %z\n'
    made = code(HEAD + alone + OUTPUTS)
    assert any("keys_0: &Tensor, keys_1: &Tensor" in line for line in made), "\n".join(made)
    assert "Ok(Self::new(model, empty.clone(), empty.clone()))" in made


def test_outputs_in_another_order_keep_them_apart():
    *_, first, second = OUTPUTS.strip().splitlines()
    swapped = f"{first.replace('%j0', '%j1')}\n{second.replace('%j1', '%j0')}\n"
    made = code(HEAD + 'output "out" %y1\n' + swapped)
    assert not any("Vec<Tensor>" in line for line in made), "\n".join(made)
