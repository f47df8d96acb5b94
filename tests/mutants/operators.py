"""The kinds of mistakes, as data: each finds all places in generated Rust where it can be made.

A mistake is a change of text. `faults` in `crate.rs` holds what is too long to be written there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.mutants.source import Part, Source, Span, Struct, arguments, closing


@dataclass(frozen=True)
class Change:
    """New text for a span; `path` is the one module that it is for, where that is not all."""

    span: Span
    new: str
    path: str = ""

    def applied(self, text: str) -> str:
        return text[: self.span[0]] + self.new + text[self.span[1] :]


Operator = Callable[[Source], Iterator[Change]]

NORMS = r"nn::(layer|rms|batch|group)_norm\w*"
AFFINE = r"nn::(linear|conv\dd|layer_norm|batch_norm)"
CONVS = r"nn::conv\dd\w*"


def parts(source: Source, maker: str) -> Iterator[tuple[Struct, Part]]:
    """What is made by such a maker."""
    for struct in source.structs.values():
        for part in struct.parts:
            if re.fullmatch(maker, part.maker):
                yield struct, part


def found(source: Source, pattern: str, load: bool = False) -> Iterator[re.Match[str]]:
    """Where a pattern stands in functions, those that load too if asked for."""
    for struct, span in source.forwards():
        span = struct.span if load else span
        yield from re.compile(pattern).finditer(source.text, *span)


def calls(source: Source, function: str) -> Iterator[tuple[Span, list[str], tuple[Span, ...]]]:
    """Calls of a function in forwards: where they stand, and their arguments."""
    for match in found(source, rf"\b{function}\("):
        spans = arguments(source.text, match.end() - 1)
        end = closing(source.text, match.end() - 1) + 1
        yield (match.start(), end), [source.of(span) for span in spans], spans


def replaced(pattern: str, new: str, load: bool = False) -> Operator:
    """A pattern's places, with `new` as `re.sub` takes it."""

    def operator(source: Source) -> Iterator[Change]:
        for match in found(source, pattern, load):
            yield Change(match.span(), match.expand(new))

    return operator


def argument(function: str, place: int, old: str, *new: str) -> Operator:
    """One argument of a call, where it fits a pattern; `new` as `re.sub` takes it."""

    def operator(source: Source) -> Iterator[Change]:
        for _, texts, spans in calls(source, function):
            match = re.fullmatch(old, texts[place]) if len(texts) > place else None
            if match:
                yield from (Change(spans[place], match.expand(each)) for each in new)

    return operator


def exchanged(function: str, first: int, second: int) -> Operator:
    """Two arguments of a call in each other's place, if both are tensors."""

    def operator(source: Source) -> Iterator[Change]:
        for _, texts, spans in calls(source, function):
            if len(texts) > second and texts[first] != texts[second]:
                span = (spans[first][0], spans[second][1])
                between = source.text[spans[first][1] : spans[second][0]]
                yield Change(span, texts[second] + between + texts[first])

    return operator


def changed(maker: str, statement: str, when: str = "") -> Operator:
    """A layer that is changed once it is loaded, if its text fits `when`."""

    def operator(source: Source) -> Iterator[Change]:
        for _, part in parts(source, maker):
            text = source.of(part.span)
            if re.search(when, text):
                new = f"{{ let mut layer = {text}?; {statement} layer }}"
                yield Change((part.span[0], part.span[1] + 1), new)

    return operator


def together(*operators: Operator) -> Operator:
    """The places of all of them."""

    def operator(source: Source) -> Iterator[Change]:
        for each in operators:
            yield from each(source)

    return operator


def eps(new: Callable[[float], str]) -> Operator:
    """The small number that a norm adds to a variance."""

    def operator(source: Source) -> Iterator[Change]:
        for _, part in parts(source, NORMS):
            for span in part.arguments:
                number = source.number(source.of(span))
                if number is not None and 0 < number < 0.1:
                    yield Change(span, new(number))

    return operator


def transposed_weight(source: Source) -> Iterator[Change]:
    """A square weight; another one cannot be transposed and still be read."""
    for _, part in parts(source, r"nn::linear\w*"):
        sizes = [source.number(source.of(span)) for span in part.arguments[:2]]
        if sizes[0] is not None and sizes[0] == sizes[1]:
            text = source.of(part.span)
            change = "layer.weight = layer.weight.t()?.contiguous()?;"
            new = f"{{ let mut layer = {text}?; {change} layer }}"
            yield Change((part.span[0], part.span[1] + 1), new)


def weights_of_another(source: Source) -> Iterator[Change]:
    """A layer that loads what the next of the same size should."""
    for struct in source.structs.values():
        made = [(source.of(part.span), part) for part in struct.parts if part.is_layer]
        for text, part in made:
            for other, twin in made:
                if (
                    part.path != twin.path
                    and text.replace(f'"{part.path}"', f'"{twin.path}"') == other
                ):
                    new = text.replace(f'vb.pp("{part.path}")', f'vb.pp("{twin.path}")')
                    yield Change(part.span, new)


def sums(source: Source, operator: str) -> Iterator[tuple[Span, str, str]]:
    """Sums or products of tensors, as `(&a + &b)?`: where they stand, and both sides."""
    for match in found(source, re.escape(f" {operator} ")):
        depth, start = 0, match.start()
        while depth >= 0 and start > 0:
            start -= 1
            depth += {")": 1, "]": 1, "}": 1, "(": -1, "[": -1, "{": -1}.get(source.text[start], 0)
        if source.text[start] != "(" or source.text[start - 1].isalnum():
            continue
        end = closing(source.text, start)
        if source.text[end + 1] == "?":
            left, right = source.text[start + 1 : match.start()], source.text[match.end() : end]
            yield (start, end + 1), left.strip(), right.strip()


def dropped_residual(source: Source) -> Iterator[Change]:
    for (start, end), left, right in sums(source, "+"):
        for kept in (left, right):
            yield Change((start, end + 1), f"({kept}).clone()")
    yield from replaced(r"ops::add\(&(\w+), &[\w.]+\)\?", r"\1.clone()")(source)


def signed(operator: str, new: str) -> Operator:
    def changes(source: Source) -> Iterator[Change]:
        for span, left, right in sums(source, operator):
            yield Change(span, f"({left} {new} {right})")

    return changes


def local(function: str) -> Operator:
    """A value of a forward, passed through a function as soon as it is there."""

    def operator(source: Source) -> Iterator[Change]:
        for match in found(source, r"let (mut )?(\w+) = [^;]*(?:\.forward\(| [+*] )[^;]*\?;\n"):
            name = match[2]
            new = f"        let {match[1] or ''}{name} = {function}(&{name})?;\n"
            yield Change((match.end(), match.end()), new)

    return operator


def output(expression: str) -> Operator:
    """What a module returns, as an expression of `{0}`."""

    def operator(source: Source) -> Iterator[Change]:
        for match in found(source, r' *py_check!\(self\.checker, "", &(\w+)'):
            new = f"        let {match[1]} = {expression.format(match[1])}?;\n"
            yield Change((match.start(), match.start()), new)

    return operator


def constant(source: Source) -> Iterator[Change]:
    """A number that is one per cent larger."""
    for match in found(source, r"(?<![\w.])(\d+\.\d+(?:e-?\d+)?)(f32)?\b"):
        if float(match[1]):
            yield Change(match.span(), f"{float(match[1]) * 1.01!r}{match[2] or ''}")


def one_layer(source: Source) -> Iterator[Change]:
    """A layer of one of a list's modules, as it is after loading."""
    collected = ".collect::<Result<Vec<_>>>()?"
    for _, stack in parts(source, r"\w+::load"):
        end = source.text.find(collected, stack.span[1])
        count = re.compile(r"\(0\.\.(\w+)\)\s*\.map\(").findall(source.text, 0, stack.span[0])
        if "{i}" not in stack.path or end < 0 or not count:
            continue
        name = stack.maker.removesuffix("::load")
        for index in range(int(source.number(count[-1]) or 0)):
            for place, path, change in _leaves(source, name):
                new = (
                    f".collect::<Result<Vec<_>>>().and_then(|mut layers| {{"
                    f" let layer: &mut {name} = &mut layers[{index}];"
                    f" {change.format('layer.' + place)} Ok(layers) }})?"
                )
                path = f"{stack.path.replace('{i}', str(index))}.{path}"
                yield Change((end, end + len(collected)), new, path)


_LEAVES = {
    r"nn::(layer|rms|batch|group)_norm": "{0}.eps = 1e-3;",
    r"nn::linear": "{0}.bias = None;",
    r"nn::linear_no_bias": "{0}.weight = ({0}.weight.clone() * 1.001)?;",
}


def _leaves(source: Source, struct: str) -> Iterator[tuple[str, str, str]]:
    """Fields of a struct and of its parts, their paths, and what changes them."""
    for part in source.structs[struct].parts:
        if not part.field or "{i}" in part.path:
            continue
        for maker, change in _LEAVES.items():
            if re.fullmatch(maker, part.maker):
                yield part.field, part.path, change
        if not part.is_layer:
            for place, path, change in _leaves(source, part.maker.removesuffix("::load")):
                yield f"{part.field}.{place}", f"{part.path}.{path}", change


def interleaved(source: Source) -> Iterator[Change]:
    """Pairs of neighbours where halves are turned."""
    first = r"let (\w+) = (\w+)\.narrow\((\d), 0, (\d+)\)\?;"
    halves = first + r"\s*let (\w+) = \2\.narrow\(\3, \4, \4\)\?;"
    for match in found(source, halves):
        first, x, axis, _, second = match.groups()
        each = "let {} = crate::faults::every_other(&{}, {}, {})?;"
        new = " ".join([each.format(first, x, axis, 0), each.format(second, x, axis, 1)])
        yield Change(match.span(), new)


def other_direction(source: Source) -> Iterator[Change]:
    """A weight of a recurrent network, of the wrong direction."""
    names = {match[1] for match in found(source, r"&self\.(\w+)_reverse\b")}
    for name in sorted(names):
        yield from replaced(rf"&self\.{name},", f"&self.{name}_reverse,")(source)


ATTENTION = r"ops::scaled_dot_product_attention"
HEADS = r"\.reshape\(\((\w+), (\w+), \(\), (\w+)\)\)\?(\s*)\.transpose\(1, 2\)\?"
COMMON = {1e-12: "1e-5", 1e-6: "1e-5", 1e-5: "1e-6"}


def causal(more: int) -> Operator:
    """A causal mask that is moved by so many places."""

    def operator(source: Source) -> Iterator[Change]:
        for _, texts, spans in calls(source, ATTENTION):
            if texts[3:5] == ["None", "true"]:
                mask = f"Some(&crate::faults::seen({texts[0]}, {texts[1]}, {more})?), false"
                yield Change((spans[3][0], spans[4][1]), mask)

    return operator


KINDS: Mapping[str, Operator] = {
    # Norms, layers and what they load.
    "eps": eps(lambda _: "1e-3"),
    "eps of another library": eps(lambda number: COMMON.get(number, "1e-8")),
    "transposed weight": transposed_weight,
    "weight of another layer": weights_of_another,
    "missing bias": together(
        changed(AFFINE, "layer.bias = None;"),
        replaced(r"Some\(&self\.bias\)", "None"),
        replaced(r"&self\.bias,", "&self.bias.zeros_like()?,"),
    ),
    "missing scale of a norm": together(
        changed(r"nn::(layer|batch)_norm", "layer.weight = None;"),
        changed(r"nn::rms_norm", "layer.weight = layer.weight.ones_like()?;"),
    ),
    "statistics of a batch norm": together(
        changed(r"nn::batch_norm", "layer.running_mean = layer.running_mean.zeros_like()?;"),
        changed(r"nn::batch_norm", "layer.running_var = layer.running_var.sqrt()?;"),
    ),
    "groups of a norm": replaced(r"(nn::group_norm\(\s*)(\w+)", r"\1\2 / 2", load=True),
    "one layer of a stack": one_layer,
    # Activations.
    "tanh for erf GELU": replaced(r"\bops::gelu\b(?!_)", "ops::gelu_tanh", load=True),
    "erf for tanh GELU": replaced(r"\bops::gelu_tanh\b", "ops::gelu", load=True),
    "other activation": together(
        replaced(r"(nn::func\()ops::relu\b", r"\1|x| ops::leaky_relu(x, 0.01)", load=True),
        replaced(r"\bops::silu\b", "ops::gelu", load=True),
        replaced(r"\bops::tanh\b", "ops::sigmoid", load=True),
    ),
    "no activation": replaced(
        r"nn::func\(ops::\w+,", "nn::func(|x: &Tensor| Ok(x.clone()),", load=True
    ),
    # Convolutions and pools.
    "padding off by one": together(
        replaced(r"\bpadding: (\d+)", r"padding: \1 + 1", load=True),
        replaced(r"\bpadding,(?= *\n.*\n? *\.\.D|\n *stride)", "padding: padding + 1,", load=True),
        replaced(r"(Conv\dConfig|Conv\ddConfig) \{(?!\s*padding)", r"\1 { padding: 1,", load=True),
        argument(r"ops::conv\dd", 4, r"(\d+)", r"\1 + 1"),
    ),
    "padding on one side": changed(
        CONVS, "layer.config.padding[0].0 += 1; layer.config.padding[0].1 -= 1;", r"\bpadding\b"
    ),
    "stride off by one": replaced(r"\bstride: (\d+)", r"stride: \1 + 1", load=True),
    "pool": together(
        replaced(r"(ops::(?:max|avg)_pool\dd\(.*)true\)", r"\1false)", load=True),
        replaced(r"(ops::max_pool\dd\(.*)false\)", r"\1true)", load=True),
        replaced(r"ops::max_pool1d\(x, (\d), (\d), \d, \d, \w+\)",
                 r"ops::avg_pool1d(x, \1, \2, 0, false, true)", load=True),
        replaced(r"ops::max_pool2d\(x, (\d), (\d), (\d), \d, \w+\)",
                 r"ops::avg_pool2d(x, \1, \2, \3, false, true, None)", load=True),
    ),
    # Attention.
    "causal mask left out": argument(ATTENTION, 4, "true", "false"),
    "causal mask off by one": together(causal(1), causal(-1)),
    "mask left out": argument(ATTENTION, 3, r"Some\(.*\)", "None"),
    "mask off by one": argument(
        ATTENTION, 3, r"Some\(&?(\w+)\)", r"Some(&\1.roll(1, \1.rank() - 1)?)"
    ),
    "scale": together(
        argument(ATTENTION, 5, "None", "Some(1.0)"), argument(ATTENTION, 5, r"Some\(.*\)", "None")
    ),
    "query for key": exchanged(ATTENTION, 0, 1),
    "key for value": exchanged(ATTENTION, 1, 2),
    "heads across features": replaced(
        HEADS, r".reshape((\1, \2, \3, ()))?.transpose(2, 3)?.transpose(1, 2)?"
    ),
    "swapped heads": replaced(HEADS, r"\g<0>.contiguous()?.flip(&[1])?"),
    "heads in the wrong order": replaced(
        r"\.unsqueeze\(2\)\?\.broadcast_as\(\((\w+), (\w+), (\w+), ",
        r".unsqueeze(1)?.broadcast_as((\1, \3, \2, ",
    ),
    # Positions.
    "wrong RoPE pairing": interleaved,
    "wrong RoPE sign": replaced(
        r"&\[&ops::neg\((&\w+)\)\?, (&\w+)\]", r"&[\1, &ops::neg(\2)?]"
    ),
    "sine for cosine": replaced(r"\bops::cos\(", "ops::sin("),
    "positions from one": replaced(
        r"Tensor::arange\(0i64, (\w+ as i64)", r"Tensor::arange(1i64, \1 + 1"
    ),
    # What a forward does.
    "dropped residual": dropped_residual,
    "wrong sign": together(
        signed("+", "-"), replaced(r"\.add\(&?(\w+)\)", r".add(&\1.neg()?)")
    ),
    "fused step left out": replaced(
        r"\s*\.(?:then|add)\((?:[^()]|\([^()]*\))*\)(?=\s*\.)", ""
    ),
    "sum for product": signed("*", "+"),
    "skipped module": replaced(
        r"let (\w+) = self\s*\.\w+\s*\.forward\((&?\w+)\)\?;", r"let \1 = (\2).clone();"
    ),
    "first layer skipped": replaced(
        r"for (\w+) in &self\.(\w+) \{", r"for \1 in self.\2.iter().skip(1) {"
    ),
    "layers in reverse": replaced(
        r"for (\w+) in &self\.(\w+) \{", r"for \1 in self.\2.iter().rev() {"
    ),
    "wrong axis": together(
        replaced(r"(ops::cat\(&\[.*\], )(\d)\)", r"\1\2 - 1)"),
        replaced(r"\.permute\(\((\d), (\d), ", r".permute((\2, \1, "),
        replaced(r"(ops::weight_norm\(.*)Some\(2\)", r"\1Some(1)"),
        replaced(r"\.transpose\(1, 2\)\?", ".transpose(0, 1)?"),
    ),
    "missing transposition": replaced(r"\.transpose\(\d, \d\)\?", ".clone()"),
    "slice off by one": together(
        replaced(r"\.narrow\((\d), 0, ", r".narrow(\1, 1, ", load=True),
        replaced(r"\.narrow\((\d), ([A-Z1-9][^,]*), ", r".narrow(\1, \2 - 1, ", load=True),
    ),
    "index off by one": replaced(r"\.get_on_dim\((\d), 0\)", r".get_on_dim(\1, 1)"),
    "order of what is joined": replaced(
        r"ops::cat\(&\[(&\w+|&ops::neg\(&\w+\)\?), (&\w+)\]", r"ops::cat(&[\2, \1]"
    ),
    "order of arguments": together(
        exchanged(r"\.forward", 0, 1),
        exchanged(r"ops::(?:sub|div|ge|gt|le|lt|minimum|maximum|weight_norm)", 0, 1),
        replaced(r"&\[(&\w+), (&\w+)\],", r"&[\2, \1],"),
    ),
    "weight of the other direction": other_direction,
    "flag of a recurrent network": replaced(r"(\d,\s*true,\s*)true(,?\s*\)\?)", r"\1false\2"),
    "constant": constant,
    # Numbers.
    "half precision": local("crate::faults::in_half"),
    "wrong dtype": output("{0}.to_dtype(candle_core::DType::F64)"),
    "NaN": output("crate::faults::one_nan(&{0})"),
    "one element": output("crate::faults::one_off(&{0})"),
}  # fmt: skip
