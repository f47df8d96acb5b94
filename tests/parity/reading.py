"""What generated code and parity reports say of themselves, read from their text."""

from __future__ import annotations

import re


def function_lengths(text: str) -> list[int]:
    """How many lines each function of rustfmt's layout has, its signature and braces included."""
    functions = re.findall(r"^( *)((?:pub )?fn .*?\n\1\}\n)", text, re.MULTILINE | re.DOTALL)
    return [body.count("\n") for _, body in functions]


def worst_error(report: str) -> float | None:
    """The largest error of the model's outputs, as a multiple of PyTorch's own."""
    rows = re.findall(r"^  \S+ +\(root\) .*  error (\S+)  torch (\S+)  ", report, re.MULTILINE)
    ratios = [float(error) / float(own) for error, own in rows if float(own) > 0]
    return max(ratios, default=None)
