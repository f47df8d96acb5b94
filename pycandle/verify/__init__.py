"""Whether a crate's models compute what PyTorch does: runs their parity tests, and tells.

It must not know how code is generated, nor load torch.
"""

from pycandle.verify.report import as_json, junit, markdown, summary
from pycandle.verify.results import Call, Output, Run, read_results
from pycandle.verify.running import verify

__all__ = [
    "Call",
    "Output",
    "Run",
    "as_json",
    "junit",
    "markdown",
    "read_results",
    "summary",
    "verify",
]
