"""Progress is drawn on a terminal, and nowhere else."""

import os
import pty
import subprocess
import sys

CODE = "from pycandle.progress import progress; print(*progress([1, 2, 3], 'goldens'))"


def check(variables: dict[str, str], drawn: bool, coloured: bool):
    reader, writer = pty.openpty()
    environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], **variables}
    out = subprocess.check_output(
        [sys.executable, "-c", CODE], stderr=writer, env=os.environ | environment
    )
    os.close(writer)
    os.set_blocking(reader, False)
    try:
        shown = os.read(reader, 100_000)
    except (BlockingIOError, OSError):
        shown = b""

    assert out == b"1 2 3\n"
    assert (b"goldens" in shown, b"\x1b[3" in shown) == (drawn, coloured)


def test_a_terminal_shows_it():
    check({}, True, True)


def test_without_colours_if_none_are_wanted():
    check({"NO_COLOR": "1"}, True, False)


def test_a_pipe_shows_nothing():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("1 2 3\n", "")
