"""What `--model` names, and the lines of a recorder script that make it and its inputs.

A library is asked what it has, never guessed; it must not make a model, which may be large.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pycandle.errors import Finding, ProjectError, ToolError


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model, as a recorder script writes it down."""

    title: str
    imports: tuple[str, ...]
    build: tuple[str, ...]  # lines that assign `model`
    inputs: Mapping[str, str]  # by the names they get; empty if only the user can say
    by_name: bool = False  # whether forward is given them by name
    library: str = ""  # what it needs; empty for the user's own, found from the crate's folder
    # Lines that make what one call gives and the next one takes, and all that is then given.
    state: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())


def find_architecture(name: str) -> Architecture:
    """The architecture that `module:Class`, `LIBRARY/NAME` or the name alone stands for.

    Raises `ProjectError` if it is unknown or in several libraries, `ToolError` if no library is
    installed that could have it.
    """
    if ":" in name:
        return _own(name)
    library, _, rest = name.rpartition("/")
    if library and library not in _FIND:
        raise _unknown(name, (f"{known}/{rest}" for known in _FIND))
    asked = [library] if library else list(_FIND)
    installed = {key: module for key in asked if (module := _imported(key))}
    if not installed:
        raise ToolError(
            Finding(
                f"{' and '.join(asked)} cannot be imported, so `{name}` is not known",
                "--model",
                f"install one, as in `pip install {asked[0]}`, or name your own as module:Class",
            )
        )
    found = {key: made for key, module in installed.items() if (made := _FIND[key](module, rest))}
    if not found:
        raise _unknown(name, _close(rest, installed))
    if len(found) > 1:
        choices = " or ".join(f"`{key}/{rest}`" for key in found)
        raise ProjectError(
            Finding(f"`{rest}` is in {' and in '.join(found)}", "--model", f"write {choices}")
        )
    return next(iter(found.values()))


def _imported(library: str) -> Any | None:
    try:
        return importlib.import_module(library)
    except ImportError:
        return None


def _own(name: str) -> Architecture:
    module, _, attribute = name.partition(":")
    parts = [*module.split("."), attribute]
    if not all(part.isidentifier() for part in parts):
        raise ProjectError(
            Finding(f"`{name}` is no Python name", "--model", "write it as in models.mixer:Mixer")
        )
    return Architecture(
        f"{attribute} of {module}",
        (f"from {module} import {attribute}",),
        (f"model = {attribute}()",),
        {},
    )


def _transformers(library: Any, name: str) -> Architecture | None:
    """A class by its name, or the plain model of a family: `GPT2` is `GPT2Model`."""
    for class_name in (name, f"{name}Model"):
        model = getattr(library, class_name, None) if class_name.isidentifier() else None
        config = getattr(model, "config_class", None)
        if config is not None and isinstance(model, type):
            break
    else:
        return None
    parameters = inspect.signature(cast("Any", model).forward).parameters
    caches = "past_key_values" in parameters and _gives_caches(model, config)
    settings = "use_cache=False" if "use_cache" in parameters and not caches else ""
    architecture = Architecture(
        f"{class_name} of transformers",
        (f"from transformers import {config.__name__}, {class_name}",),
        (
            f"# Weights as PyTorch initialises them; {class_name}.from_pretrained(NAME) has trained"
            " ones.",
            f"model = {class_name}({config.__name__}({settings}))",
        ),
        _transformers_inputs(cast("Any", model), config, parameters),
        by_name=True,
        library="transformers",
    )
    return _with_caches(architecture) if caches else architecture


def _gives_caches(model: Any, config: Any) -> bool:
    """Whether a call gives caches that grow with what was read; tried without weights or data."""
    torch = _imported("torch")
    if torch is None:
        return False
    try:
        with torch.device("meta"):
            ids = torch.zeros((1, 2), dtype=torch.int64)
            caches = model(config()).eval()(input_ids=ids, use_cache=True).past_key_values
    except Exception:
        return False  # It takes something else, as a model with an encoder does.
    # Those of a sliding window drop what is too old, which only some lengths show.
    return {type(layer).__name__ for layer in getattr(caches, "layers", ())} == {"DynamicLayer"}


def _with_caches(architecture: Architecture) -> Architecture:
    """It, recorded as it continues a text of which it has the caches."""
    module, function = (
        "transformers.integrations.executorch",
        "register_dynamic_cache_export_support",
    )
    return replace(
        architecture,
        imports=(*architecture.imports, f"from {module} import {function}"),
        build=(f"{function}()", *architecture.build),
        inputs={"input_ids": architecture.inputs["input_ids"]},
        state=(
            "# What it has read already; in Rust it may start from nothing.",
            "with torch.no_grad():",
            "    past_key_values = model.eval()(input_ids[:, :12], use_cache=True).past_key_values",
        ),
        given={
            "input_ids": "input_ids[:, 12:]",
            "past_key_values": "past_key_values",
            "use_cache": "True",
        },
    )


def _transformers_inputs(model: Any, config: Any, parameters: Iterable[str]) -> Mapping[str, str]:
    ids = "torch.randint(model.config.get_text_config().vocab_size, {})"
    main = model.main_input_name
    if main == "input_ids":
        inputs = {main: ids.format("(2, 16)")}
        if "attention_mask" in parameters:
            inputs["attention_mask"] = "torch.ones((2, 16), dtype=torch.int64)"
    elif main == "pixel_values":
        default = config()
        channels = getattr(default, "num_channels", 3)
        sides = _sides(getattr(default, "image_size", 224))
        inputs = {main: f"torch.randn(2, {channels}, {sides})"}
    elif main == "input_values":
        inputs = {main: "torch.randn(2, 16000)"}
    else:
        return {}
    if "decoder_input_ids" in parameters:
        inputs["decoder_input_ids"] = ids.format("(2, 8)")
    return inputs


def _timm(library: Any, name: str) -> Architecture | None:
    if not library.is_model(name):
        return None
    return Architecture(
        f"{name} of timm",
        ("import timm",),
        (
            "# `pretrained=True` brings trained weights.",
            f'model = timm.create_model("{name}", pretrained=False)',
        ),
        {"x": 'torch.randn(2, *model.default_cfg["input_size"])'},
        library="timm",
    )


def _torchvision(library: Any, name: str) -> Architecture | None:
    if name not in library.models.list_models():
        return None
    builder = library.models.get_model_builder(name)
    weights = next(iter(library.models.get_model_weights(name)))
    sides = _sides(getattr(weights.transforms(), "crop_size", None) or 224)
    frames = "16, " if ".video." in builder.__module__ else ""
    return Architecture(
        f"{name} of torchvision",
        ("from torchvision.models import get_model",),
        (
            '# `weights="DEFAULT"` brings trained weights.',
            f'model = get_model("{name}", weights=None)',
        ),
        {"x": f"torch.randn(2, 3, {frames}{sides})"},
        library="torchvision",
    )


def _sides(size: int | Sequence[int]) -> str:
    """Height and width of images of one size, given as a number, one in a list, or both."""
    sides = [size] if isinstance(size, int) else list(size)
    return f"{sides[0]}, {sides[-1]}"


_FIND: Mapping[str, Callable[[Any, str], Architecture | None]] = {
    "transformers": _transformers,
    "timm": _timm,
    "torchvision": _torchvision,
}


def _close(name: str, installed: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    if "timm" in installed:
        names += installed["timm"].list_models()
    if "torchvision" in installed:
        names += installed["torchvision"].models.list_models()
    if "transformers" in installed:
        names += [n for n in dir(installed["transformers"]) if re.search(r"[a-z0-9]Model$", n)]
    plain = {n.lower(): n for n in names}
    return [plain[n] for n in difflib.get_close_matches(name.lower(), plain, 3)]


def _unknown(name: str, near: Iterable[str]) -> ProjectError:
    close = ", ".join(f"`{other}`" for other in near)
    return ProjectError(
        Finding(
            f"no architecture is called `{name}`",
            "--model",
            f"did you mean {close}?" if close else "name your own as module:Class",
        )
    )
