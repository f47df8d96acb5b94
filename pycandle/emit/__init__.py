"""From a manifest to Rust: the compiler's last stage, as one pure function.

Standard library only; it touches no file. It must not know where the text goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from pycandle.emit.compiled import Compiled
from pycandle.emit.lowering import lower_graph, weights_dtype
from pycandle.emit.module import print_module, unchecked
from pycandle.emit.names import is_identifier
from pycandle.emit.parity import print_parity
from pycandle.emit.stateful import find_state, print_stateful, stateful_call
from pycandle.emit.structs import build_structs
from pycandle.emit.tree import Tree
from pycandle.errors import Finding, ProjectError, UnsupportedError
from pycandle.graph import Graph, manifest
from pycandle.graph.verify import reported
from pycandle.passes import run_passes


def generate(
    text: str, module: str, options: Mapping[str, str], digest: str, options_text: str
) -> dict[str, str]:
    """The generated files of a manifest by name, without their headers and not formatted.

    Options: `model`, the name of the model's own struct (its class's by default); `manifest`, the
    manifest's path in the crate, which the parity tests read at run time, and beside which the
    constants are that no checkpoint holds; `checker`, which is `false` for code without checks;
    `fuse`, which is `false` for a call of its own for each op; `stateful`, which is `true` for a
    struct that keeps state between calls; `dtype`, which the weights are loaded in whatever the
    caller asks for.
    Raises `UnsupportedError` with every op and argument that has no lowering, `ManifestError`, or
    `ProjectError` for a name that Rust cannot have.
    """
    root = options.get("model", "")
    for name, what in ((module, "module"), (root, "struct")):
        if name and not is_identifier(name):
            raise ProjectError(
                Finding(
                    f"{name!r} cannot name a Rust {what}",
                    "the options of the model",
                    "use ASCII letters, digits and underscores, and no keyword",
                )
            )
    path = options.get("manifest") or f"{module}_manifest.json"
    made = Compiled(manifest.load(text, path), root, fuse=options.get("fuse") != "false")
    tree, graph = made.tree, made.tree.graph
    with reported("the emitter", graph):
        structs, _ = made.made
        dtype = _dtype(options.get("dtype", ""), graph)
        stateful = find_state(graph, structs) if options.get("stateful") == "true" else None
        after = print_stateful(stateful) if stateful else ""
        parity = print_parity(
            tree, structs, graph.name, path, digest, options_text,
            stateful_call(stateful) if stateful else "",
        )  # fmt: skip
        code = print_module(graph, structs, path, dtype, after)
        if options.get("checker") == "false":
            # What is tested is the same code, with its checks; the runtime is called as outside.
            around = "#[allow(unused_imports)]\nuse super::*;\n"
            parity = f"mod checked {{\n{around}{code}\nmod parity {{\n{parity}}}\n}}\n"
            code = print_module(graph, unchecked(structs), path, dtype, after)
    return {f"{module}.rs": code, f"{module}_parity.rs": parity}


def _dtype(wanted: str, graph: Graph) -> str:
    """The dtype that the weights must have, if one is asked for: that of the recording."""
    recorded = weights_dtype(graph)
    if wanted and recorded and wanted != recorded:
        raise ProjectError(
            Finding(
                f"the model was recorded in {recorded}, and {wanted} is asked for",
                "the option `dtype`",
                "another dtype rounds otherwise: record the model in it, as with "
                "`model.to(torch.bfloat16)`, or leave the option out",
            )
        )
    return wanted if recorded else ""


def unsupported(graph: Graph) -> tuple[Finding, ...]:
    """A finding for everything in the graph that cannot be generated."""
    graph = run_passes(graph)
    lowered, findings = lower_graph(graph)
    if not findings:
        try:
            build_structs(Tree(graph), lowered, "Model")
        except UnsupportedError as error:
            return error.findings
    return findings
