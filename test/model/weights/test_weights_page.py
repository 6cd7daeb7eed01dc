"""docs/weights.md: its commands exist, its table of memory is computed, its messages are those of the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch

from sam3d_ros.cli import _parser
from sam3d_ros.model import Sam3dConfig
from sam3d_ros.model.weights import PARTS
from sam3d_ros.model.weights.parts import computed_specs, stored_specs

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "weights.md").read_text()
COMMANDS = re.findall(r"^sam3d-ros (.*)$", PAGE, re.MULTILINE)
DTYPES = (torch.float16, torch.float32)
# The messages in the first column of the last table; what stands for other text is left out by the test.
SYMPTOMS = re.findall(r"^\| (`.*?) \|", PAGE[PAGE.index("## Errors by symptom") :], re.MULTILINE)
MESSAGES = [message for symptom in SYMPTOMS for message in re.findall(r"`([^`]*)`", symptom)]
SOURCE = "".join(path.read_text() for path in (ROOT / "sam3d_ros" / "model" / "weights").glob("*.py"))


def _gigabytes(part: str) -> list[float]:
    config = Sam3dConfig()
    tables = [specs(part, config, dtype) for specs in (stored_specs, computed_specs) for dtype in DTYPES]
    return [sum(spec.nbytes for spec in table.values()) / 1e9 for table in tables]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command):
    arguments = shlex.split(command)
    assert _parser(arguments[:1]).parse_args(arguments).verb == arguments[0]


def test_the_table_of_memory_is_that_of_the_published_sizes():
    rows = {part: _gigabytes(part) for part in PARTS}
    for part, numbers in rows.items():
        assert f"| `{part}` | {' | '.join(f'{number:.2f}' for number in numbers)} |" in PAGE
    totals = (sum(column) for column in zip(*rows.values(), strict=True))
    assert f"| all | {' | '.join(f'{total:.2f}' for total in totals)} |" in PAGE


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_table_is_one_of_the_code(message):
    fixed = (piece.strip() for piece in re.split(r"FILE: FIELD|ss_generator\.ckpt, |\.\.\.,?", message))
    assert all(piece in SOURCE for piece in fixed)
