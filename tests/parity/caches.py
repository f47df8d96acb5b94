"""A decoder that keeps what it read, in lists of which each layer has an item, and one that lends
an item to another layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Decoder(nn.Module):
    """Gives its head's result, and what the next call takes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Layers(3)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor, keys: list[Tensor], values: list[Tensor]) -> dict[str, object]:
        hidden, keys, values = self.body(x, keys, values)
        return {"logits": self.head(hidden), "keys": keys, "values": values}


class Layers(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer() for _ in range(count)])

    def forward(
        self, x: Tensor, keys: list[Tensor], values: list[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        grown: list[tuple[Tensor, Tensor]] = []
        for layer, key, value in zip(self.layers, keys, values, strict=True):
            x, *kept = layer(x, key, value)
            grown.append((kept[0], kept[1]))
        return x, [key for key, _ in grown], [value for _, value in grown]


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        key = torch.cat([key, self.key(x)], 1)
        value = torch.cat([value, self.value(x)], 1)
        return x + nn.functional.scaled_dot_product_attention(self.query(x), key, value), key, value


class Borrowing(nn.Module):
    """Its layers read an item that goes by the name of those of the list, which it gives back."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Both() for _ in range(3)])

    def forward(self, x: Tensor, keys: list[Tensor], key: Tensor) -> dict[str, object]:
        for layer, each in zip(self.layers, keys, strict=True):
            x = layer(x, each, key)
        return {"out": x, "keys": keys}


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.own, self.shared = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor, each: Tensor, key: Tensor) -> Tensor:
        return x + self.own(each).mean(1, keepdim=True) - self.shared(key).mean(1, keepdim=True)


class Late(nn.Module):
    """Gives a list before the rest, and reads an item of what a module within it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Layers(2)

    def forward(self, x: Tensor, keys: list[Tensor], values: list[Tensor]) -> dict[str, object]:
        hidden, keys, values = self.body(x, keys, values)
        return {"keys": keys, "values": values, "out": hidden + keys[0].mean(1, keepdim=True)}


class Lending(nn.Module):
    """Its last layer reads the first one's item as well, so that no loop can go through them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer() for _ in range(2)])

    def forward(self, x: Tensor, keys: list[Tensor], values: list[Tensor]) -> dict[str, object]:
        kept: list[Tensor] = []
        for layer, key, value in zip(self.layers, keys, values, strict=True):
            x, key, _ = layer(x, key, value)
            kept.append(key)
        return {"out": x + keys[0].mean(1, keepdim=True), "keys": kept}
