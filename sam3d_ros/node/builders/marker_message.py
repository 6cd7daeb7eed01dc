"""Markers as something a publisher takes: our own bytes, or a message where the layout is not the one we know."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from ...messages.marker_data import MARKER_FIELDS, MarkerData, encode_markers
from .common import duration_message, pose_message, stamp_message


def layout_is_known() -> bool:
    """Whether this distribution's Marker has exactly the fields that `encode_markers` writes."""
    return list(Marker.get_fields_and_field_types().items()) == list(MARKER_FIELDS.items())


def marker_payload(markers: Sequence[MarkerData]) -> bytes | MarkerArray:
    """For Publisher.publish: serialised bytes; the slow message where a distribution has changed Marker."""
    return encode_markers(markers) if layout_is_known() else marker_array_message(markers)


def marker_array_message(markers: Sequence[MarkerData]) -> MarkerArray:
    """The message built element by element: the plain reference of `encode_markers`."""
    return MarkerArray(markers=[_marker_message(marker) for marker in markers])


def _marker_message(data: MarkerData) -> Marker:
    marker = Marker(ns=data.ns, id=data.marker_id, type=int(data.type), action=int(data.action))
    marker.header.frame_id = data.frame_id
    marker.header.stamp = stamp_message(data.stamp_ns)
    marker.pose = pose_message(data.T_frame_marker)
    marker.scale.x, marker.scale.y, marker.scale.z = (float(value) for value in data.scale)
    marker.color = _color(data.rgba)
    marker.lifetime = duration_message(data.lifetime_ns)
    marker.frame_locked = data.frame_locked
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in data.points.tolist()]
    marker.colors = [_color(rgba) for rgba in data.colors.tolist()]
    marker.text, marker.mesh_resource = data.text, data.mesh_resource
    marker.mesh_use_embedded_materials = data.use_embedded_materials
    return marker


def _color(rgba: Sequence[float]) -> ColorRGBA:
    r, g, b, a = rgba
    return ColorRGBA(r=r, g=g, b=b, a=a)
