"""Measured tables find their places in the model card."""

from __future__ import annotations

import json

import fill_card
import pytest
from completion_measure import FIGURES, Row
from completion_tables import ratios, summary


def table():
    numbers = {figure.key: 0.5 for figure in FIGURES}
    return summary(
        [Row("s", 1, "x", "toy", name, **numbers, add_s_mm=1.0, milliseconds=20.0) for name in ("fast", "full")]
    )


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results.json"
    ordinary = {"methods": table(), "ratios": {"fast / full": ratios(table(), "fast", "full")}}
    path.write_text(json.dumps({"sets": {"ordinary": ordinary, "stray": {"methods": table(), "ratios": {}}}}))
    return path


def test_every_table_has_its_place_in_the_card_of_the_package(results, tmp_path):
    card = tmp_path / "card.md"
    card.write_text(fill_card.CARD.read_text())
    real = tmp_path / "real.json"
    objects = [{"rejected": "", "closed": True}, {"rejected": "timeout: 3 s", "closed": None}]
    real.write_text(json.dumps({"0": {"methods": table(), "objects": objects}}))
    fill_card.main([f"figures={results}", f"stages={results}", f"real={real}", "--card", str(card)])
    text = card.read_text()
    assert text.count("| fast | 0.50 (0.50 to 0.50) |") == 4  # figures, stages, stray, real
    assert "| fast / full | 100.0 %" in text
    assert "| toy | 1 | 0.500 | 0.500 |" in text
    assert "2 masks, 1 closed meshes, 1 rejected" in text
    fill_card.main([f"figures={results}", "--card", str(card)])
    assert card.read_text() == text


def test_a_card_without_the_place_is_refused(results, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("# Card\n")
    with pytest.raises(SystemExit, match="begin figures"):
        fill_card.main([f"figures={results}", "--card", str(card)])
    assert card.read_text() == "# Card\n"
