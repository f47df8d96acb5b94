"""How a model's own code spells a number: by a name, `hidden_size`, or as a product of names and
numbers, `3 * embed_dim=48`, where each name stands with what it is.

It must not know where such spellings come from, nor how Rust writes them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

_TERM = re.compile(r"(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)=)?(?P<number>[1-9][0-9]{0,18})")


def spell(factors: Sequence[tuple[str, int]]) -> str:
    """A product as text; a factor is a name and its number, and the name of a number is empty."""
    return " * ".join(f"{name}={number}" if name else str(number) for name, number in factors)


def factors(spelling: str) -> tuple[tuple[str, int], ...]:
    """The factors of a product; none for a name alone, and for what is no product."""
    terms = [_TERM.fullmatch(term) for term in spelling.split(" * ")]
    found = [(term["name"] or "", int(term["number"])) for term in terms if term]
    whole = len(found) == len(terms) > 1 and math.prod(number for _, number in found) < 2**63
    return tuple(found) if whole else ()


def is_spelling(text: str) -> bool:
    """Whether it is a name, or a product."""
    return (text.isascii() and text.isidentifier()) or bool(factors(text))


def spells(spelling: str, number: int | float | str) -> bool:
    """Whether a spelling may stand for a number: a product is what its factors make."""
    product = factors(spelling)
    return not product or math.prod(value for _, value in product) == number
