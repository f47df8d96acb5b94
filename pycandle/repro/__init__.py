"""Hands over a repro: what is needed to look at one module call that differs, in a folder.

It must not know how tests are run, nor how what they found is told.
"""

from pycandle.repro.folder import FOLDER, write_repros

__all__ = ["FOLDER", "write_repros"]
