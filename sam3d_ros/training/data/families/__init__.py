"""All procedural families by name: each draws an object of its kind, with sizes and materials of its own."""

from __future__ import annotations

from ..design import Family
from . import (
    abstract,
    containers,
    creatures,
    food,
    kitchen,
    office,
    packaging,
    small_tools,
    tools,
    toys,
    utensils,
    workshop,
)

TOPICS: dict[str, dict[str, Family]] = {
    "kitchen": kitchen.FAMILIES | utensils.FAMILIES,
    "containers": containers.FAMILIES,
    "packaging": packaging.FAMILIES,
    "tools": tools.FAMILIES | small_tools.FAMILIES,
    "workshop": workshop.FAMILIES,
    "office": office.FAMILIES,
    "toys": toys.FAMILIES | creatures.FAMILIES,
    "food": food.FAMILIES,
    "abstract": abstract.FAMILIES,
}
FAMILIES: dict[str, Family] = {name: draw for topic in TOPICS.values() for name, draw in topic.items()}

__all__ = ["FAMILIES", "TOPICS"]
