"""The report: complete, self-contained, the same words and numbers on page and in data."""

from __future__ import annotations

import csv
import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame, Quality, Rejection, RejectionReason
from sam3d_ros.replay.frames.results import FrameRecord
from sam3d_ros.replay.report.page import ReportOptions, pick_evenly, write_report
from sam3d_ros.replay.scores.figure_terms import TERMS
from sam3d_ros.replay.scores.pose_score import PoseScore
from sam3d_ros.replay.scores.shape_score import ShapeScore
from sam3d_ros.replay.truth.truth_object import TruthObject
from sam3d_ros.tracking import ObjectState, SceneObject, SceneUpdate

CAMERA = PinholeCamera(80, 60, 100.0, 100.0, 39.5, 29.5)
POSE = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))


def box(edge: float) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * edge
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles), np.full((8, 3), 128))


def frame_record(name: str, *, object_id: int, with_truth: bool = True, residual: float = 0.002) -> FrameRecord:
    mesh = box(0.1)
    rendering = render([mesh], [POSE], CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    frame = Frame(rendering.color, pointmap, (rendering.index + 1).astype(np.int32), CAMERA)
    item = SceneObject(
        object_id=object_id,
        label=1,
        detection=None,
        state=ObjectState.COMPLETE,
        mesh=mesh,
        mesh_version=1,
        T_ref_obj=POSE,
        covariance=np.eye(6),
        scale=0.1,
        quality=Quality(residual_rms=residual),
        stamp_ns=0,
        latency_ms={"shape": 10.0 * object_id},
    )
    rejection = Rejection(7, RejectionReason.EMPTY_MASK, "no pixel <carries> label 7")
    update = SceneUpdate(0, (item,), (rejection,), (), True, {"prepare": 3.0})
    truth = (TruthObject(1, "cube", mesh, POSE),) if with_truth else ()
    return FrameRecord(name, frame, update, truth, wall_ms=20.0)


class Links(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]


def links_of(page) -> list[str]:
    parser = Links()
    parser.feed(page.read_text())
    return parser.links


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    records = [frame_record("a", object_id=1), frame_record("b", object_id=2, with_truth=False)]
    return write_report(
        tmp_path_factory.mktemp("single"), records, title="Cubes & co", summary={"rate": "29.8 Hz", "drops": 0}
    )


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    records = [frame_record(f"{i:03d}", object_id=1, residual=0.001 * i) for i in range(5)]
    options = ReportOptions(picture_frames=3, measured_frames=2)
    return write_report(tmp_path_factory.mktemp("sequence"), records, title="Run", summary={}, options=options)


def test_every_picture_exists_and_nothing_comes_from_the_network(single):
    links = links_of(single)
    pictures = [link for link in links if link.startswith("pictures/")]
    assert len(pictures) == 2 * 4 + 3 + 1  # four a frame; result, truth and error; result alone
    tables = ["report.csv", "rejections.csv", "tracks.csv"]
    assert [link for link in links if not link.startswith(("#", "pictures/"))] == tables
    assert all((single.parent / name).is_file() for name in tables)
    assert not re.search(r"(?:https?:)?//", single.read_text())
    for link in pictures:
        with Image.open(single.parent / link) as image:
            image.verify()


def test_links_within_the_page_lead_somewhere(single):
    text = single.read_text()
    for link in links_of(single):
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in text


def test_text_from_outside_cannot_break_the_page(single):
    text = single.read_text()
    assert "Cubes &amp; co" in text
    assert "no pixel &lt;carries&gt; label 7" in text


def test_the_callers_figures_come_first(single):
    names = re.findall(r'<div class="card"><b>(.*?)</b><span>(.*?)</span>', single.read_text())
    assert names[:4] == [("29.8 Hz", "rate"), ("0", "drops"), ("2", "frames"), ("2", "objects")]
    assert ("0.0 mm", "mean Chamfer distance") in names


def test_the_data_say_what_the_page_says(single):
    data = json.loads((single.parent / "report.json").read_text(), parse_constant=pytest.fail)
    assert data["frames"] == 2
    assert data["summary"] == {"rate": "29.8 Hz", "drops": 0}
    assert data["rejections_by_reason"] == {"empty_mask": 2}
    assert [row["frame"] for row in data["objects"]] == ["a", "b"]
    assert data["objects"][0]["score"]["chamfer_mm"] == pytest.approx(0, abs=1e-3)
    assert data["objects"][1]["score"] is None
    assert (data["true_objects"], data["true_objects_without_result"]) == (1, 0)
    stages = {row["stage"]: row for row in data["latency_ms"]}
    assert stages["object: shape"]["p50_ms"] == 15.0
    assert stages["frame: prepare"]["count"] == 2
    assert stages["frame, all together"]["max_ms"] == 20.0


def test_every_figure_has_one_term_and_stands_on_the_page(single):
    names = [item.name for score in (ShapeScore, PoseScore) for item in dataclasses.fields(score)]
    assert [term.name for term in TERMS] == names
    text, data = html.unescape(single.read_text()), json.loads((single.parent / "report.json").read_text())
    assert list(data["objects"][0]["score"]) == names
    assert list(data["figures"][0]["mean"]) == names
    for term in TERMS:
        assert term.title in text
        assert term.meaning in text


def test_every_figure_is_explained_in_the_documentation():
    text = (Path(__file__).resolve().parents[3] / "docs" / "evaluation.md").read_text()
    assert [term.name for term in TERMS if f"`{term.name}`" not in text] == []


def test_the_tables_hold_every_object_with_units_and_every_rejection(single):
    with (single.parent / "report.csv").open(encoding="utf-8", newline="") as file:
        known, unknown = csv.DictReader(file)
    assert (known["frame"], known["mask"], known["name"]) == ("a", "1", "cube")
    assert float(known["chamfer_mm [mm]"]) == pytest.approx(0, abs=1e-3)
    assert float(known["normal_f1 [1]"]) == 1
    assert float(known["shape [ms]"]) == 10
    assert (unknown["frame"], unknown["chamfer_mm [mm]"], unknown["icp_rot_deg [deg]"]) == ("b", "", "")
    with (single.parent / "rejections.csv").open(encoding="utf-8", newline="") as file:
        rejected = list(csv.DictReader(file))
    assert [row["frame"] for row in rejected] == ["a", "b"]
    assert rejected[0]["detail"] == "no pixel <carries> label 7"


def test_a_true_object_without_result_is_counted(tmp_path):
    record = frame_record("a", object_id=1)
    missed = dataclasses.replace(
        record, update=SceneUpdate(0, (), (Rejection(1, RejectionReason.TIMEOUT, "late"),), (), True)
    )
    write_report(tmp_path, [missed], title="Missed", summary={})
    data = json.loads((tmp_path / "report.json").read_text())
    assert (data["true_objects"], data["true_objects_without_result"]) == (1, 1)
    assert data["rejections"][0]["name"] == "cube"


def test_a_long_sequence_gets_few_pictures_and_all_rows(sequence):
    frames = {link.split("_")[0] for link in links_of(sequence) if link.endswith("_masks.webp")}
    assert frames == {"pictures/000", "pictures/002", "pictures/004"}
    data = json.loads((sequence.parent / "report.json").read_text())
    assert len(data["objects"]) == 5
    assert sum(row["score"] is not None for row in data["objects"]) == 2


def test_an_object_of_a_sequence_is_shown_once_as_last_seen(sequence):
    turntables = [link for link in links_of(sequence) if re.search(r"object_\d+\.webp", link)]
    assert turntables == ["pictures/004_object_001.webp"]


def test_rows_are_sorted_worst_first(tmp_path):
    records = [
        frame_record(n, object_id=i, with_truth=False, residual=r)
        for i, (n, r) in enumerate([("low", 0.001), ("high", 0.009), ("mid", 0.004)])
    ]
    page = write_report(tmp_path, records, title="Sorted", summary={}).read_text()
    table = page[page.index('class="sortable"') :]
    assert table.index("high") < table.index("mid") < table.index("low")


def test_a_run_without_objects_still_makes_a_page(tmp_path):
    record = frame_record("empty", object_id=1, with_truth=False)
    record.frame.labels[:] = 0
    nothing = dataclasses.replace(record, update=SceneUpdate(0, (), (), (), True))
    page = write_report(tmp_path, [nothing], title="Nothing", summary={})
    assert "0 objects" in page.read_text()


def test_a_run_without_frames_still_makes_a_page(tmp_path):
    assert "0 frames" in write_report(tmp_path, [], title="Nothing", summary={}).read_text()


@pytest.mark.parametrize(("count", "limit"), [(0, 3), (1, 3), (3, 3), (10, 4), (1000, 7), (5, 1)])
def test_frames_are_picked_evenly_with_the_ends(count, limit):
    picked = pick_evenly(count, limit)
    assert len(picked) == min(count, limit)
    assert picked == sorted(set(picked))
    if count and limit > 1:
        assert (picked[0], picked[-1]) == (0, count - 1)


def test_a_report_that_shows_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        ReportOptions(picture_frames=0)
