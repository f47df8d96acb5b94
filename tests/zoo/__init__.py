"""The zoo: real architectures of four libraries, each taken from PyTorch to parity.

Nothing is downloaded: every model is built from its configuration with seeded random weights.
"""
