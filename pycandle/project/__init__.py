"""`pycandle new` and `pycandle init`: everything that a crate with a recorded model needs.

It must not know how a model is recorded or compiled; it only writes the files that ask for it.
"""

from pycandle.project.scaffold import Change, init, new

__all__ = ["Change", "init", "new"]
