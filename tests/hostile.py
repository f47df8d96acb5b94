"""Names that PyTorch or JSON takes and that must not leave the place they stand in."""

HOSTILE = [
    '/etc/x"); std::process::exit(1); //', "a\nb", "\r", "\0", "\u202egnp", "*/ evil /*", "{}",
    "{x", "crate", "self", "Self", "super", "x" * 300, "", "0", "A", "a", "ünïcode",
    "../../etc/passwd", "/abs", 'r#"', "\\", "\\u{202e}", "'", "//", "#[no_mangle]", "vb",
    "checker", "forward", "load", "Tensor", "Result", "ops", "nn", "i", "path", "std", "\ud800",
    "\u2028", "type", "gen", "_",
]  # fmt: skip
