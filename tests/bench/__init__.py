"""The bench: how fast generated Rust is beside what a user would run instead, in one run.

Nothing is downloaded: every model is built from its configuration with seeded random weights.
"""
