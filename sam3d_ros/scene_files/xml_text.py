"""Numbers and trees of XML scene files as text."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree


def numbers(values: Iterable[float]) -> str:
    """Numbers separated by blanks, with nine digits; no negative zero."""
    return " ".join(f"{float(value) + 0.0:.9g}" for value in values)


def document(root: ElementTree.Element) -> bytes:
    """The bytes of an indented XML file."""
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"
