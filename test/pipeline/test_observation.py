"""What becomes an observation, what is refused and why, and which depth is stray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.pipeline import Frame, Rejection, RejectionReason
from sam3d_ros.pipeline.observation import Observation, PrepareConfig, border_fraction, observe

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)


def make_frame(depth: np.ndarray, labels: np.ndarray) -> Frame:
    pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
    return Frame(np.zeros((*depth.shape, 3), np.uint8), pointmap, labels.astype(np.int32), CAMERA)


def square_frame(box: tuple[int, int, int, int] = (30, 80, 50, 110), depth: float = 0.6, behind: float = 1.2) -> Frame:
    """A flat object (rows, columns of `box`) in front of a wall."""
    image = np.full((120, 160), behind)
    labels = np.zeros((120, 160))
    r0, r1, c0, c1 = box
    image[r0:r1, c0:c1] = depth
    labels[r0:r1, c0:c1] = 1
    return make_frame(image, labels)


def reason_of(frame: Frame, label: int = 1, **limits) -> tuple[RejectionReason, str]:
    answer = observe(frame, label, replace(PrepareConfig(), **limits))
    assert isinstance(answer, Rejection)
    assert answer.label == label
    return answer.reason, answer.detail


def test_a_clean_object_is_observed_whole():
    answer = observe(square_frame(), 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert len(answer.points) == len(answer.colors) == len(answer.pixels) == 50 * 60
    assert answer.dropped == 0
    np.testing.assert_allclose(CAMERA.project(answer.points), answer.pixels, atol=1e-3)


def test_each_refusal_names_its_reason_and_the_number():
    assert reason_of(square_frame(), label=7) == (RejectionReason.EMPTY_MASK, "no pixel carries label 7")
    reason, detail = reason_of(square_frame((10, 14, 20, 25)))
    assert reason is RejectionReason.MASK_TOO_SMALL
    assert "20 pixels" in detail
    reason, detail = reason_of(square_frame((2, 118, 2, 158)))
    assert reason is RejectionReason.MASK_COVERS_IMAGE
    assert "94%" in detail
    reason, detail = reason_of(square_frame((90, 120, 50, 110)))
    assert reason is RejectionReason.TOUCHES_BORDER
    assert "34%" in detail
    reason, detail = reason_of(square_frame(depth=np.nan))
    assert reason is RejectionReason.TOO_FEW_DEPTH_POINTS
    assert "0 of 3000" in detail
    reason, detail = reason_of(square_frame(depth=6.0, behind=9.0))
    assert reason is RejectionReason.DEPTH_OUT_OF_RANGE
    assert "6.00 m" in detail
    assert reason_of(square_frame(depth=0.05))[0] is RejectionReason.DEPTH_OUT_OF_RANGE


def test_background_label_is_never_an_object():
    assert reason_of(square_frame(), label=0)[0] is RejectionReason.EMPTY_MASK


def test_an_object_that_merely_touches_the_border_is_kept():
    assert isinstance(observe(square_frame((70, 120, 70, 82)), 1, PrepareConfig()), Observation)


@pytest.mark.parametrize(("rows", "share"), [((40, 60), 0.0), ((0, 20), 20 / 76)])
def test_border_fraction_of_a_rectangle_is_its_edge_over_its_outline(rows, share):
    mask = np.zeros((60, 80), bool)
    mask[rows[0] : rows[1], 10:30] = True
    if rows[1] == 60:
        share = 20 / 76
    assert border_fraction(mask) == pytest.approx(share)


def test_a_mask_that_spills_over_the_outline_loses_the_background():
    frame = square_frame()
    frame.labels[28:82, 48:112] = 1
    answer = observe(frame, 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert len(answer.points) == 50 * 60
    assert answer.dropped == 54 * 64 - 50 * 60
    assert answer.points[:, 2].max() < 0.61


def test_mixed_pixels_between_object_and_background_are_dropped():
    frame = square_frame()
    rim = np.zeros((120, 160), bool)
    rim[30:80, 50:110] = True
    rim[31:79, 51:109] = False
    depth = np.where(rim, np.random.default_rng(0).uniform(0.65, 1.15, rim.shape), frame.pointmap[..., 2])
    answer = observe(make_frame(depth, frame.labels), 1, PrepareConfig())
    assert isinstance(answer, Observation)
    # A mixed pixel that happens to lie within noise of the object cannot be told from it.
    assert answer.points[:, 2].max() < 0.63
    assert len(answer.points) >= 48 * 58


def test_stray_depth_no_longer_stretches_the_hull():
    frame = square_frame()
    frame.labels[28:82, 48:112] = 1
    raw = frame.pointmap[frame.labels == 1]
    answer = observe(frame, 1, PrepareConfig())
    raw_depth, kept_depth = np.ptp(raw[:, 2]), np.ptp(answer.points[:, 2])
    assert raw_depth > 0.5
    assert kept_depth < 0.01


def test_a_thin_object_survives():
    frame = square_frame((60, 62, 40, 120))
    answer = observe(frame, 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert len(answer.points) == 2 * 80


def test_both_halves_of_an_object_behind_a_bar_are_kept():
    frame = square_frame()
    depth = frame.pointmap[..., 2].copy()
    depth[:, 75:80] = 0.4
    labels = frame.labels.copy()
    labels[:, 75:80] = 2
    answer = observe(make_frame(depth, labels), 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert {int(u) for u in answer.pixels[:, 0]} == set(range(50, 75)) | set(range(80, 110))


def test_a_long_dark_object_is_whole_where_depth_shows_pieces_of_it():
    """A stick that lies on a table, away from the camera: its depth changes by 0.35 m over 60 rows, in three pieces."""
    depth = np.repeat(np.linspace(0.95, 0.6, 60), 160).reshape(60, 160)
    depth = np.vstack([np.full((30, 160), np.nan), depth, np.full((30, 160), np.nan)])
    labels = np.zeros(depth.shape, np.int32)
    labels[30:90, 74:86] = 1
    depth[np.isin(np.arange(120), [*range(40, 46), *range(60, 68)])] = np.nan
    answer = observe(make_frame(depth, labels), 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert np.ptp(answer.points[:, 2]) > 0.34


def test_pieces_between_holes_in_the_depth_are_no_rim():
    frame = square_frame()
    depth = frame.pointmap[..., 2].copy()
    depth[:, 80:110:6] = np.nan  # five pixels are left between one hole and the next, on one half
    answer = observe(make_frame(depth, frame.labels), 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert answer.dropped == 0


def test_depth_beyond_the_limits_is_no_point():
    frame = square_frame()
    depth = frame.pointmap[..., 2].copy()
    depth[40:50, 60:70] = 1.0
    answer = observe(make_frame(depth, frame.labels), 1, PrepareConfig(max_depth=0.9))
    assert isinstance(answer, Observation)
    assert len(answer.points) == 3000 - 100


def test_no_answer_depends_on_depth_outside_the_mask_being_known():
    frame = square_frame(behind=np.nan)
    answer = observe(frame, 1, PrepareConfig())
    assert isinstance(answer, Observation)
    assert len(answer.points) == 3000


def test_limits_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="max_depth"):
        PrepareConfig(min_depth=2.0, max_depth=1.0)
    with pytest.raises(ValueError, match="min_mask_pixels"):
        PrepareConfig(min_mask_pixels=0)


def test_hulls_of_real_objects_shrink_to_their_size(real_frames):
    """Mug and foam brick of YCB: the true boxes have diagonals of 0.15 m and 0.13 m."""
    from sam3d_ros.replay.frames.frame_folder import load_frame

    folder = next(path for path in real_frames if path.name == "ycbv_000001")
    frame = load_frame(folder)
    for label, diagonal in ((2, 0.17), (3, 0.15)):
        answer = observe(frame, label, PrepareConfig())
        assert isinstance(answer, Observation)
        corners = answer.points[ConvexHull(answer.points).vertices]
        assert np.linalg.norm(corners[:, None] - corners[None], axis=-1).max() < diagonal
