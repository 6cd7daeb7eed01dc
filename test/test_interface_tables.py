"""The tables of docs/interface.md that the core can answer for: reasons, and encodings of images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sam3d_ros.node.parameters import parameter_specs
from sam3d_ros.pipeline import RejectionReason
from sam3d_ros.pipeline.raw_image import COLOR_LAYOUTS, DEPTH_LAYOUTS, MASK_LAYOUTS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "interface.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
REASONS = PAGE.split("## Why a mask did not become an object")[1].split("\n## ")[0]
_ENCODING = re.compile(r"\b(?:(?:rgb|bgr|rgba|bgra|mono)\d+|\d+[USF]C\d)\b")


def test_the_table_lists_every_reason_once_and_no_other():
    listed = re.findall(r"^\| `(\w+)` \|", REASONS, re.MULTILINE)
    assert sorted(listed) == sorted(reason.value for reason in RejectionReason)


def test_limits_that_reasons_name_are_parameters():
    known = {spec.name for spec in parameter_specs()}
    named = set(re.findall(r"`(\w+)`", REASONS)) - {reason.value for reason in RejectionReason}
    assert named
    assert named <= known


@pytest.mark.parametrize(
    ("topic", "layouts"), [("image", COLOR_LAYOUTS), ("depth", DEPTH_LAYOUTS), ("mask", MASK_LAYOUTS)]
)
def test_the_encodings_are_those_that_are_read(topic, layouts):
    notes = next(row[-1] for row in ROWS if row[0] == f"`{topic}`")
    assert set(_ENCODING.findall(notes)) == set(layouts)
