"""Hidden objects on masks that nobody claims: how many pairs are tried."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from sam3d_ros.tracking import recognising
from sam3d_ros.tracking.config import TrackingConfig


def test_only_the_nearest_few_of_many_pairs_are_tried_in_one_frame(monkeypatch):
    """A frame must not cost seconds because many things were lost at once."""
    tried = []

    def fitted(lost, view, frame, config):
        tried.append((lost.track.object_id, view.label))
        return 0.0, SimpleNamespace(prediction=lost, view=view)

    monkeypatch.setattr(recognising, "_is_possible", lambda lost, view, config: True)
    monkeypatch.setattr(recognising, "_fitted", fitted)
    monkeypatch.setattr(recognising, "expected_score", lambda prediction: 0.5)
    lost = [
        SimpleNamespace(since_s=1.0, track=SimpleNamespace(object_id=k), visible_centre=np.array([1.0 * k, 0.0, 0.0]))
        for k in range(6)
    ]
    masks = {k: SimpleNamespace(label=k, centre=np.array([1.0 * k + 0.01 * k, 0.0, 0.0])) for k in range(6)}
    assert recognising.recognise(lost, masks, [], None, TrackingConfig()) == []
    assert tried == [(0, 0), (1, 1), (2, 2), (3, 3)]
