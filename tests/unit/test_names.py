"""Names from a model are hostile input: what leaves the two emitters is safe, whatever goes in."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pycandle.emit.names import comment_text, identifier, string_literal, type_identifier
from tests.hostile import HOSTILE


@given(st.text() | st.sampled_from(HOSTILE))
def test_an_identifier_is_plain_and_no_keyword(name: str):
    assert re.fullmatch(r"[a-z_][a-z0-9_]{0,60}", identifier(name))
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,60}", type_identifier(name))
    assert identifier(name) not in {"self", "super", "crate", "type", "fn", "gen"}


@given(st.text() | st.sampled_from(HOSTILE))
def test_a_literal_reads_back_and_stays_on_one_line(text: str):
    literal = string_literal(text)

    assert literal.isascii() and literal.isprintable()
    inner = re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m[1], 16)), literal[1:-1])
    assert re.sub(r'\\(["\\])', r"\1", inner) == text or "\\" in text


@given(st.text() | st.sampled_from(HOSTILE))
def test_a_comment_stays_a_comment(text: str):
    assert comment_text(text).isprintable() and "*/" not in comment_text(text)


def test_names_in_one_scope_differ():
    taken: set[str] = set()
    for name in ("A", "a", "a_", "self", "A"):
        taken.add(identifier(name, taken))

    assert len(taken) == 5
