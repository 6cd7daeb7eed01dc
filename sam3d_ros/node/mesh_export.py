"""Keeps a file of each object's newest mesh, named by its content, for planners that load meshes by path."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..geometry.mesh_io import content_hash, write_mesh
from ..tracking import ObjectState, SceneUpdate
from .parameters import Parameters


@dataclass(slots=True)
class MeshExport:
    """Writes each finished mesh once, to <output_folder>/meshes; files of meshes that are gone stay."""

    _files: dict[int, tuple[int, str]] = field(default_factory=dict)  # by object id: version, path

    def write(self, update: SceneUpdate, parameters: Parameters) -> dict[int, str]:
        """Plain absolute paths by object id. A disk that is full or forbids writing raises OSError."""
        alive = {item.object_id for item in update.objects}
        self._files = {object_id: entry for object_id, entry in self._files.items() if object_id in alive}
        folder = Path(parameters.output_folder).expanduser().absolute() / "meshes"
        for item in update.objects:
            version, _ = self._files.get(item.object_id, (0, ""))
            if item.state is not ObjectState.COARSE and version != item.mesh_version:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{content_hash(item.mesh)}.{parameters.mesh_format}"
                if not path.exists():
                    write_mesh(path, item.mesh)
                self._files[item.object_id] = (item.mesh_version, str(path))
        return {object_id: path for object_id, (_, path) in self._files.items()}
