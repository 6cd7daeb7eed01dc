"""The parameters of the node as one frozen, checked value; imports no ROS. Their source is parameters.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

from ..messages.markers import MarkerConfig, MarkerForm
from ..pipeline.gates import Gates
from ..pipeline.model_options import Dtype, ModelOptions, RegistrationMode, Sampling
from ..pipeline.observation import PrepareConfig
from ..pipeline.registration import RegistrationConfig
from ..tracking.config import TrackingConfig

Value = bool | int | float | str
Kind = Literal["bool", "integer", "double", "string"]
Changeable = Literal["running", "unconfigured", "never"]

_TYPES: dict[str, type] = {"bool": bool, "integer": int, "double": float, "string": str}


class ParameterError(ValueError):
    """A parameter has a value that cannot be used; the message names it, its value and what is accepted."""


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One entry of parameters.yaml."""

    name: str
    section: str
    kind: Kind
    default: Value
    description: str
    changeable: Changeable
    range: tuple[float, float] | None = None
    choices: tuple[Value, ...] = ()
    unit: str = ""

    def check(self, value: Value) -> None:
        """Raise ParameterError where the value has the wrong type, is out of range or is no choice."""
        expected = _TYPES[self.kind]
        if type(value) is not expected:
            hint = f"; write {float(value)}" if self.kind == "double" and type(value) is int else ""
            raise ParameterError(f"{self.name} must be of type {self.kind}, got {value!r}{hint}")
        if self.choices and value not in self.choices:
            raise ParameterError(f"{self.name} must be one of {', '.join(map(str, self.choices))}, got {value!r}")
        if self.range is not None:
            low, high = self.range
            if not (math.isfinite(float(value)) and low <= float(value) <= high):
                unit = f" {self.unit}" if self.unit else ""
                raise ParameterError(f"{self.name} must lie between {low:g} and {high:g}{unit}, got {value!r}")


@lru_cache(maxsize=2)
def parameter_specs(file_name: str = "parameters.yaml") -> tuple[ParameterSpec, ...]:
    """Every parameter of the node to whom the file in this folder belongs, in the order of the file."""
    sections = yaml.safe_load((Path(__file__).parent / file_name).read_text(encoding="utf-8"))
    return tuple(
        _spec(section["section"], name, entry) for section in sections for name, entry in section["parameters"].items()
    )


def _spec(section: str, name: str, entry: dict[str, Any]) -> ParameterSpec:
    limits = entry.get("range")
    spec = ParameterSpec(
        name=name,
        section=section,
        kind=entry["type"],
        default=entry["default"],
        description=entry["description"],
        changeable=entry["changeable"],
        range=None if limits is None else (float(limits[0]), float(limits[1])),
        choices=tuple(entry.get("choices", ())),
        unit=entry.get("unit", ""),
    )
    spec.check(spec.default)
    return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """A complete set of values; fields are named as in parameters.yaml, where each is explained."""

    backend: str
    weights: str
    device: str
    dtype: str
    sampling: str
    steps: int
    refine: bool
    gaussians: int
    candidates: int
    registration: str
    compile: bool
    seed: int
    mode: str
    load_timeout: float
    object_timeout: float
    hang_timeout: float
    memory_limit: int
    autostart: bool
    image_transport: str
    depth_source: str
    image_geometry: str
    input_reliability: str
    sync_queue_size: int
    sync_slop: float
    input_timeout: float
    time_jump_threshold: float
    target_frame: str
    tf_timeout: float
    tf_prefix: str
    publish_tf: bool
    min_mask_pixels: int
    max_mask_fraction: float
    max_border_fraction: float
    min_depth_points: int
    min_depth: float
    max_depth: float
    gate_inlier_ratio: float
    gate_mask_iou: float
    gate_free_space: float
    max_objects: int
    max_age: float
    follow: bool
    min_overlap: float
    max_speed: float
    min_inlier_ratio: float
    max_residual: float
    min_mask_iou: float
    min_view: float
    bad_frames_before_reconstruction: int
    steady: bool
    better_view: float
    registration_points: int
    triangle_budget: int
    objects_mesh: str
    marker_form: str
    marker_triangles: int
    collision_form: str
    collision_triangles: int
    export_meshes: bool
    output_folder: str
    mesh_format: str

    @staticmethod
    def from_values(values: Mapping[str, Value]) -> Parameters:
        """The defaults with these values in their place; raises ParameterError with the reason."""
        specs = {spec.name: spec for spec in parameter_specs()}
        for name, value in values.items():
            if name not in specs:
                raise ParameterError(f"there is no parameter {name}")
            specs[name].check(value)
        complete: dict[str, Any] = {name: values.get(name, spec.default) for name, spec in specs.items()}
        parameters = Parameters(**complete)
        _check_together(parameters)
        return parameters

    def model_options(self) -> ModelOptions:
        """Weights, device and effort of a learned model."""
        return ModelOptions(
            weights=Path(self.weights).expanduser() if self.weights else None,
            device=self.device,
            dtype=Dtype(self.dtype),
            sampling=Sampling(self.sampling),
            steps=self.steps,
            refine=self.refine,
            gaussians=self.gaussians,
            memory_limit_mib=self.memory_limit,
            candidates=self.candidates,
            registration=RegistrationMode(self.registration),
            compile=self.compile,
        )

    def prepare_config(self) -> PrepareConfig:
        """Limits on masks and depth for the pipeline."""
        return PrepareConfig(
            min_mask_pixels=self.min_mask_pixels,
            max_mask_fraction=self.max_mask_fraction,
            max_border_fraction=self.max_border_fraction,
            min_depth_points=self.min_depth_points,
            min_depth=self.min_depth,
            max_depth=self.max_depth,
        )

    def gates(self) -> Gates:
        """Limits on new objects."""
        return Gates(self.gate_inlier_ratio, self.gate_mask_iou, self.gate_free_space)

    def tracking_config(self) -> TrackingConfig:
        """Limits and gates of the object table."""
        return TrackingConfig(
            max_objects=self.max_objects,
            max_age_s=self.max_age,
            follow=self.follow,
            min_overlap=self.min_overlap,
            max_speed=self.max_speed,
            min_inlier_ratio=self.min_inlier_ratio,
            max_residual=self.max_residual,
            min_mask_iou=self.min_mask_iou,
            min_view=self.min_view,
            bad_frames_before_reconstruction=self.bad_frames_before_reconstruction,
            steady=self.steady,
            better_view=self.better_view,
            follow_points=self.registration_points,
            registration=RegistrationConfig(points=max(RegistrationConfig().points, self.registration_points)),
            time_jump_s=self.time_jump_threshold,
        )

    def marker_config(self) -> MarkerConfig:
        """Form and size of the meshes in ~/markers."""
        folder = Path(self.output_folder).expanduser() / "markers"
        return MarkerConfig(MarkerForm(self.marker_form), self.marker_triangles, folder)


def _check_together(parameters: Parameters) -> None:
    """Raise ParameterError where two values contradict each other."""
    p = parameters
    if p.min_depth >= p.max_depth:
        raise ParameterError(f"min_depth ({p.min_depth:g} m) must be below max_depth ({p.max_depth:g} m)")
    if p.object_timeout >= p.hang_timeout:
        raise ParameterError(
            f"object_timeout ({p.object_timeout:g} s) must be below hang_timeout ({p.hang_timeout:g} s)"
        )
    for name in ("target_frame", "tf_prefix"):
        _check_frame_name(name, getattr(p, name))


def _check_frame_name(name: str, value: str) -> None:
    """tf2 takes no leading slash (its migration guide), and white space in a frame is a typing error."""
    if value.startswith("/") or any(character.isspace() for character in value):
        raise ParameterError(f"{name} must have no leading slash and no white space, got {value!r}")
