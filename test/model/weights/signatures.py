"""Signatures as the pages of docs/ show them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any


class _AsWritten:
    """An annotation that is shown without quotes."""

    def __init__(self, text: object) -> None:
        self.text = text

    def __repr__(self) -> str:
        return str(self.text)


def signature(name: str) -> str:
    """`name(parameters) -> result` of a dotted name, without self, annotations as they are written."""
    found = _resolve(name)
    full = inspect.signature(found)
    parameters = [
        parameter.replace(annotation=_AsWritten(parameter.annotation))
        for key, parameter in full.parameters.items()
        if key != "self"
    ]
    result = inspect.Signature.empty if inspect.isclass(found) else _AsWritten(full.return_annotation)
    return f"{name}{full.replace(parameters=parameters, return_annotation=result)}"


def _resolve(name: str) -> Callable[..., Any]:
    """The object of a dotted name: attributes of the longest module that can be imported."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            found = getattr(found, attribute)
        return found
    raise LookupError(name)
