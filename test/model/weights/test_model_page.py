"""docs/model.md: its examples are a program that runs, its signatures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from signatures import signature

from sam3d_ros.model import Sam3dConfig
from sam3d_ros.model.weights import PARTS
from sam3d_ros.model.weights.parts import build_empty, stored_specs

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "model.md").read_text()


def _blocks(kind: str) -> list[tuple[int, str]]:
    """First line and text of the page's blocks of this kind."""
    found = re.finditer(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [(PAGE[: match.start(1)].count("\n") + 1, match[1]) for match in found]


SIGNATURES = [
    " ".join(entry.split())
    for _, block in _blocks("signatures")
    for entry in re.split(r"\n(?=sam3d_ros\.)", block.strip())
]


def test_the_examples_run_from_the_first_to_the_last():
    names: dict[str, object] = {"__name__": "docs.model"}
    for line, block in _blocks("python"):
        # Blank lines before it give each error the line of the page.
        exec(compile("\n" * (line - 1) + block, "docs/model.md", "exec"), names)
    assert len(_blocks("python")) > len(_blocks("signatures"))


@pytest.mark.parametrize("written", SIGNATURES, ids=lambda written: written.partition("(")[0])
def test_a_signature_is_that_of_the_code(written):
    assert written == signature(written.partition("(")[0])


@pytest.mark.parametrize("name", PARTS)
def test_the_table_of_parts_is_that_of_the_code(name):
    part = PARTS[name]
    class_name = type(build_empty(name, Sam3dConfig(), torch.float32)).__name__
    millions = sum(spec.numel for spec in stored_specs(name, Sam3dConfig(), torch.float16).values()) / 1e6
    prefix = f"`{part.prefix}`" if part.prefix else "none"
    assert f"| `{name}` | `{class_name}` | `{part.file}` | {prefix} | {millions:.1f} M |" in PAGE
