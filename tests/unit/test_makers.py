"""What stands in the calls that make modules, as their holders' constructors are written."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

from torch import nn

from pycandle.record.makers import arguments_of, length_of


def turned(out: int, width: int, bias: bool = True) -> nn.Linear:
    """What a function gives that is one line."""
    return nn.Linear(in_features=width, out_features=out, bias=bias)


def doubled(width: int, out: int) -> nn.Linear:
    out = 2 * out
    return nn.Linear(width, out)


def nested(linear: nn.Linear) -> nn.Sequential:
    return nn.Sequential(linear)


class Holder(nn.Module):
    def __init__(
        self,
        config: SimpleNamespace,
        dim: int,
        make: Callable[..., nn.Module],
        kind: Callable[..., nn.Module] | None = None,
    ):
        super().__init__()
        self.config, self.heads, self.head_dim = config, 2, 4
        self.fc = nn.Linear(dim, [config.hidden][0], bias=False)
        self.norm = nn.LayerNorm(dim, eps=1e-3)
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.GELU())
        self.blocks = nn.ModuleList([nn.Linear(dim, 3) for _ in range(2)])
        self.counted = nn.ModuleList([nn.Linear(dim, 3) for _ in range(config.layers)])
        self.unequal = nn.ModuleList(nn.Linear(dim, 3) for _ in range(dim))
        self.longer = nn.ModuleList(nn.Linear(dim, 3) for _ in range(dim))
        self.longer.append(nn.Linear(dim, 3))
        self.some = nn.ModuleList(nn.Linear(dim, 3) for k in range(dim) if k != 5)
        self.either = nn.Linear(dim, 2)
        if dim > 3:
            width = dim
            self.either = nn.Linear(width, 2)
        self.qkv = nn.Linear(config.hidden, 3 * self.heads * self.head_dim)
        self.unknown = nn.Linear(dim * 2, self.heads * dim)
        if config.layers > 5:
            self.by_case = nn.Linear(2 * self.heads, dim)
        else:
            self.by_case = nn.Linear(3 * self.heads, dim)
        self.turned = turned(dim, config.hidden, bias=False)
        self.doubled = doubled(dim, dim)
        self.listed = nested(nn.Linear(dim, dim))
        self.local = make(config.hidden, dim)
        if kind is None:
            kind = nn.LayerNorm
        self.chosen = kind(dim)
        self.either_kind = (kind or nn.BatchNorm1d)(dim)


HOLDER = Holder(SimpleNamespace(hidden=12, layers=3), 8, partial(nn.Linear, bias=False))


def check(path: str, **expected: str) -> None:
    assert arguments_of(HOLDER, path, HOLDER.get_submodule(path)) == expected


def test_names():
    check("fc", in_features="dim")
    check("norm", normalized_shape="dim")


def test_modules_of_a_list():
    check("mlp.0", in_features="dim", out_features="dim")
    check("blocks.1", in_features="dim")


def test_products_of_what_is_known():
    check("qkv", in_features="hidden", out_features="3 * heads=2 * head_dim=4")
    check("unknown")


def test_two_ways_to_make_it_are_none():
    check("either")
    assert arguments_of(HOLDER, "elsewhere", nn.Linear(2, 2)) == {}


def test_of_two_ways_the_one_that_gives_the_number_made_it():
    check("by_case", in_features="3 * heads=2", out_features="dim")


def test_a_function_of_one_line_is_followed():
    check("turned", in_features="hidden", out_features="dim")


def test_another_does_with_its_arguments_what_it_likes():
    check("doubled")
    check("listed.0")


def test_a_local_that_may_be_the_class():
    check("chosen", normalized_shape="dim")
    check("either_kind", normalized_shape="dim")


def test_what_another_local_makes_is_known_by_its_numbers():
    check("local", in_features="hidden")


def test_the_length_of_a_list():
    assert length_of(HOLDER, "counted.1") == ("layers", 3)
    assert length_of(HOLDER, "unequal.1") == ("dim", 8)
    HOLDER.dim = 10  # type: ignore[assignment]
    for path in (
        "unequal.1", "some.1", "longer.1", "blocks.1", "mlp.0", "fc", "counted.1.x", "elsewhere.1",
    ):  # fmt: skip
        assert length_of(HOLDER, path) is None, path
    del HOLDER.dim
