"""`python -m pycandle` is the command `pycandle`."""

from pycandle.cli import main

main()
