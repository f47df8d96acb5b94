"""The only writers of names that come from a model: identifiers and escaped strings.

torch accepts module names with quotes, newlines, comment marks and bidirectional controls. What
passes here is safe to stand in Rust code, a string literal or a comment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container

_LONGEST = 60

_KEYWORDS = frozenset(
    "abstract as async await become box break const continue crate do dyn else enum extern false"
    " final fn for gen if impl in let loop macro match mod move mut override priv pub ref return"
    " self Self static struct super trait true try type typeof unsafe unsized use virtual where"
    " while yield".split()
)
# The types and variants that generated code uses; a struct of that name would hide them.
_TYPES = frozenset(
    "Clone Conv1dConfig Conv2dConfig ConvTranspose1dConfig ConvTranspose2dConfig DType Debug"
    " Default Device Err Inputs Isolated None Ok Option PyChecker Result Scope Some String Tensor"
    " VarBuilder Vec".split()
)
# What `load` binds itself; nothing that it is given may be called so.
OF_LOAD = frozenset({"vb", "checker", "constants", "device", "path", "i"})


def identifier(name: str, taken: Container[str] = ()) -> str:
    """A snake-case ASCII identifier for the name, keyword-safe, capped, and not taken."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "value"
    if plain[0].isdigit():
        plain = f"n_{plain}"
    return _unique(_capped(plain, name), taken, "_")


def type_identifier(name: str, taken: Container[str] = ()) -> str:
    """A camel-case ASCII identifier; a name that is one already is kept."""
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        words = re.split(r"[^A-Za-z0-9]+", name)
        name = "".join(word[:1].upper() + word[1:] for word in words if word) or "Module"
    if name[0].isdigit():
        name = f"Module{name}"
    return _unique(_capped(name, name), taken, "")


def is_identifier(name: str) -> bool:
    """Whether Rust can have the name as it is."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name not in {
        "_",
        *_KEYWORDS,
        *_TYPES,
    }


def string_literal(text: str) -> str:
    """A Rust string literal that reads back as the text, whatever is in it."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def format_literal(text: str) -> str:
    """The same for `format!`, to which a single brace means something."""
    return string_literal(text.replace("{", "{{").replace("}", "}}"))


def comment_text(text: str) -> str:
    """Text that can stand in a line comment: one line, nothing invisible, no end of comment."""
    return "".join(_escaped(char) for char in text).replace("*/", "*\\/")


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isascii() and char.isprintable():
        return char
    return f"\\u{{{ord(char):x}}}"


def _capped(identifier: str, name: str) -> str:
    if len(identifier) <= _LONGEST:
        return identifier
    return f"{identifier[: _LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _unique(name: str, taken: Container[str], joint: str) -> str:
    if name in _KEYWORDS:
        name = f"{name}_"
    unique, count = name, 2
    while unique in taken or unique in _TYPES:
        unique, count = f"{name}{joint}{count}", count + 1
    return unique
