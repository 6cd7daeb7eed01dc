"""Two reports side by side: pairs, shares, and reports that cannot be compared."""

from __future__ import annotations

import json

import pytest

from sam3d_ros.replay.report.comparison import ReportError, compare_reports, read_report
from sam3d_ros.replay.report.comparison_page import comparison_lines, write_comparison
from sam3d_ros.replay.scores.figure_terms import TERMS


def report(folder, rows):
    """A report.json with these (frame, label, score); the path of its folder."""
    folder.mkdir(parents=True)
    objects = [{"frame": frame, "id": label, "score": score} for frame, label, score in rows]
    (folder / "report.json").write_text(json.dumps({"title": folder.name, "objects": objects}))
    return folder


def score(chamfer, ratio=1.0, **more):
    return {"chamfer_mm": chamfer, "scale_ratio": ratio} | more


@pytest.fixture
def pair(tmp_path):
    a = report(
        tmp_path / "a",
        [
            ("x", 1, score(4.0, 0.5)),
            ("x", 2, score(6.0, 1.2)),
            ("y", 1, score(8.0)),
            ("z<i>", 1, score(1.0)),
            ("w", 1, None),
        ],
    )
    b = report(
        tmp_path / "b",
        [("y", 1, score(8.0, vsd=0.5)), ("x", 2, score(9.0, 1.1)), ("x", 1, score(1.0, 1.5)), ("v", 3, score(0.1))],
    )
    return read_report(a), read_report(b / "report.json")


def test_objects_pair_by_frame_and_label(pair):
    comparison = compare_reports(*pair)
    assert comparison.shared == [("x", 1), ("x", 2), ("y", 1)]
    assert (comparison.only_a, comparison.only_b) == ([("z<i>", 1)], [("v", 3)])


def test_means_medians_and_shares_are_those_of_the_pairs(pair):
    chamfer, ratio = compare_reports(*pair).figures
    assert (chamfer.mean_a, chamfer.mean_b, chamfer.difference) == (6.0, 6.0, 0.0)
    assert (chamfer.median_a, chamfer.median_b) == (6.0, 8.0)
    assert (chamfer.better, chamfer.worse) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    # Half the size is a factor of two, half as large again one of 1.5: both of these got nearer to one.
    assert (ratio.better, ratio.worse) == (pytest.approx(2 / 3), 0)


def test_a_figure_that_one_report_lacks_is_left_out(pair):
    assert [figure.term.name for figure in compare_reports(*pair).figures] == ["chamfer_mm", "scale_ratio"]


def test_a_report_compared_with_itself_shows_no_change(pair):
    for figure in compare_reports(pair[0], pair[0]).figures:
        assert (figure.difference, figure.better, figure.worse) == (0, 0, 0)


def test_every_term_knows_which_way_is_better():
    for term in TERMS:
        worse, good = {"less": (2.0, 0.5), "more": (0.5, 2.0), "near one": (3.0, 0.5)}[term.better]
        assert term.loss(good) < term.loss(worse)


def test_text_page_and_data_say_the_same(pair, tmp_path):
    comparison = compare_reports(*pair)
    lines = comparison_lines(comparison)
    assert "objects in both: 3, only in A: 1, only in B: 1" in lines
    row = next(line for line in lines if line.startswith("Chamfer mm"))
    assert row.split()[2:] == ["6.00", "6.00", "+0.00", "6.00", "8.00", "33", "%", "33", "%"]
    page = write_comparison(tmp_path / "out", comparison)
    text, data = page.read_text(), json.loads((tmp_path / "out" / "compare.json").read_text())
    assert "z&lt;i&gt; mask 1" in text
    assert "+0.00" in text
    assert data["objects_in_both"] == 3
    assert data["only_in_b"] == [{"frame": "v", "id": 3}]
    figure = data["figures"][0]
    assert (figure["name"], figure["good_is"], figure["median_b"]) == ("chamfer_mm", "less", 8.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "objects must be a list"),
        ('{"objects": [{"score": {}, "id": 1}]}', "object 0: needs frame, id and score, got None"),
        ('{"objects": [{"score": 3, "id": 1, "frame": "x"}]}', "object 0: needs frame, id and score"),
    ],
)
def test_a_file_that_is_no_report_is_named(tmp_path, text, words):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ReportError, match=words):
        read_report(tmp_path)


def test_reports_without_a_common_object_are_refused(pair, tmp_path):
    other = read_report(report(tmp_path / "c", [("q", 1, score(1.0))]))
    with pytest.raises(ReportError, match="share no object"):
        compare_reports(pair[0], other)
    with pytest.raises(ReportError, match=r"no such file; give a report.json"):
        read_report(tmp_path / "nowhere")


def followed(folder, tracks):
    """A report of a bag without truth."""
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps({"title": "bag", "objects": [], "tracks": tracks}))
    return read_report(folder)


def track(run, name, jitter, **more):
    return {"run": run, "object_id": 1, "name": name, "jitter_mm": jitter, "drift_mm": None} | more


def test_followed_objects_pair_by_run_and_name_where_the_name_is_clear(tmp_path):
    a = [track("r", "mug", 1.0), track("r", "can", 2.0), track("q", "box", 5.0), track("r", "", 9.0)]
    b = [track("r", "can", 1.0), track("r", "mug", 3.0), track("q", "box", 1.0), track("q", "box", 2.0)]
    comparison = compare_reports(followed(tmp_path / "a", a), followed(tmp_path / "b", b))
    (jitter,) = comparison.figures
    assert (jitter.term.name, jitter.count) == ("jitter_mm", 2)
    assert (jitter.mean_a, jitter.mean_b) == (1.5, 2.0)
    assert (jitter.better, jitter.worse) == (0.5, 0.5)
    with pytest.raises(ReportError, match="share no object"):
        compare_reports(followed(tmp_path / "c", a), followed(tmp_path / "d", [track("other", "mug", 1.0)]))
