"""Writing files so that no reader ever sees half of one.

Standard library only. It must not know what it writes.
"""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def write_if_changed(path: Path, data: bytes) -> bool:
    """Replace the file's content atomically, unless it is the same already; True if it was written.

    An unchanged file keeps its modification time, so that cargo does not rebuild.
    """
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        pass
    with replacement(path) as temporary:
        temporary.write_bytes(data)
    return True


@contextmanager
def replacement(path: Path) -> Generator[Path]:
    """A file to write in full, which then takes the path's place unless their content is the same.

    If it is left by an exception, the path keeps what it had.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        yield temporary
        os.fsync(descriptor)
        if path.exists() and filecmp.cmp(temporary, path, shallow=False):
            temporary.unlink()
        else:
            # mkstemp makes private files; these are as readable as any other file of the project.
            temporary.chmod(0o644)
            temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
    finally:
        os.close(descriptor)
