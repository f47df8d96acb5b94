"""Where each module is in the generated model: `encoder.layer[3].output`.

It must not know text beyond how a field is spelled.
"""

from __future__ import annotations

from pycandle.emit.compiled import Compiled
from pycandle.emit.rust import FieldNames


def module_places(made: Compiled) -> dict[str, str]:
    """The path of each module by its place below the model, whose own is empty.

    Modules that compute nothing have none, nor have those inside one of the runtime's layers.
    Raises `UnsupportedError` if the model has no Rust.
    """
    graph, tree = made.graph, made.tree
    structs, fields = made.made
    by_name = {struct.name: struct for struct in structs}
    places = {0: ""}
    found = {"": ""}
    for index, region in enumerate(graph.regions):
        outer = region.parent
        if outer not in places or index in tree.elided:
            continue
        name = structs[-1].name if outer == 0 else fields[outer].type
        struct = by_name.get(name)
        if struct is None:
            continue
        names = FieldNames(struct.fields, struct.stored)
        path = tree.path_in_parent(index)
        if path not in names.names and path not in names.items:
            continue
        own = names.place(path).removeprefix("self")
        places[index] = f"{places[outer]}{own}"
        found[places[index].removeprefix(".")] = region.path
    return found
