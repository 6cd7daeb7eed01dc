"""Writes config/sam3d.yaml and docs/parameters.md: `python -m sam3d_ros.node.parameters_doc`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import yaml

from .parameters import ParameterSpec, Value, parameter_specs

NODES = {"sam3d": "parameters.yaml", "tabletop_masks": "tabletop_parameters.yaml"}

_MOMENTS = {"running": "while running", "unconfigured": "while unconfigured", "never": "at start only"}
_YAML_HEAD = """\
# Parameters of the nodes with their defaults. Copy the file, keep the lines that you change, and pass it with
# `ros2 launch sam3d_ros sam3d.launch.py params_file:=FILE` or with `ros2 run ... --ros-args --params-file FILE`.
# Made from sam3d_ros/node/*parameters.yaml by `python -m sam3d_ros.node.parameters_doc`.
"""
_DOC_HEAD = """\
# Parameters

A value of the wrong type or outside its range is refused with its reason: at start by a fatal log
line and a failed configure transition, while running by the answer to `ros2 param set`. The last column says when a
parameter can change; *while unconfigured* means before `configure` or after `cleanup`.

Besides these, each subscription has `qos_overrides.<topic>.subscription.{reliability,depth,history}`, and the
diagnostics have `diagnostic_updater.period`.

This page is made from `sam3d_ros/node/*parameters.yaml` by `python -m sam3d_ros.node.parameters_doc`; a test compares.
"""


def config_text() -> str:
    """The ROS parameter file with all defaults, each under its description."""
    lines = [_YAML_HEAD]
    for node, file_name in NODES.items():
        lines += [f"/**/{node}:", "  ros__parameters:"]
        for section, specs in _sections(file_name):
            lines += ["", f"    # {section}", *_yaml_lines(specs)]
        lines.append("")
    return "\n".join(lines)


def doc_text() -> str:
    """The page of the documentation: one table for each section."""
    parts = [_DOC_HEAD]
    for title, specs in _titled_sections():
        rows = [f"| `{s.name}` | {s.kind} | {_default(s)} | {_limits(s)} | {s.description} | {_MOMENTS[s.changeable]} |"
                for s in specs]  # fmt: skip
        head = "| name | type | default | range | what it does | can change |\n|---|---|---|---|---|---|"
        parts.append(f"## {title}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Write both files into the checkout."""
    root = Path(__file__).resolve().parents[2]
    (root / "config").mkdir(exist_ok=True)
    (root / "config" / "sam3d.yaml").write_text(config_text(), encoding="utf-8")
    (root / "docs" / "parameters.md").write_text(doc_text(), encoding="utf-8")


def _sections(file_name: str) -> Iterator[tuple[str, list[ParameterSpec]]]:
    for section, specs in groupby(parameter_specs(file_name), key=lambda spec: spec.section):
        yield section, list(specs)


def _titled_sections() -> Iterator[tuple[str, list[ParameterSpec]]]:
    for node, file_name in NODES.items():
        for section, specs in _sections(file_name):
            yield f"`{node}`: {section}", specs


def _yaml_lines(specs: list[ParameterSpec]) -> Iterator[str]:
    """Each parameter under its description."""
    for spec in specs:
        words = f"{spec.description} {_facts(spec)}"
        yield from (f"    # {line}" for line in textwrap.wrap(words, 110))
        yield f"    {spec.name}: {_yaml_value(spec.default)}"


def _yaml_value(value: Value) -> str:
    return yaml.safe_dump(value, default_style='"' if isinstance(value, str) else None).splitlines()[0]


def _default(spec: ParameterSpec) -> str:
    if isinstance(spec.default, bool):
        return str(spec.default).lower()
    text = f"`{spec.default}`" if isinstance(spec.default, str) and spec.default else str(spec.default)
    return f"{text} {spec.unit}".strip() if text else "empty"


def _limits(spec: ParameterSpec) -> str:
    if spec.choices:
        return ", ".join(f"`{choice}`" for choice in spec.choices)
    return "" if spec.range is None else f"{_number(spec.range[0])} to {_number(spec.range[1])}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _facts(spec: ParameterSpec) -> str:
    limits = _limits(spec).replace("`", "")
    unit = f" {spec.unit}" if spec.unit else ""
    return f"[{limits}{unit}; changes {_MOMENTS[spec.changeable]}]".replace("[; ", "[").replace("[ ", "[")


if __name__ == "__main__":
    main()
