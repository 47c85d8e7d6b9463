"""Files of arrays: a model, the statistics it was trained under, and a note. Nothing is pickled."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from rlcore.normalizer import Normalizer


def save_checkpoint(
    path: str | Path, model: nn.Module, *, normalizer: Any = None, metadata: Any = None
) -> None:
    """Write a model's weights, whole or not at all: a file that was there stays until then.

    Args:
        path: of the file, by custom ending in .npz; its folder is made if need be.
        model: any module; its `state_dict` is saved.
        normalizer: None, or the `Normalizer` that its observations were scaled with.
        metadata: whatever JSON can hold: environment, return, settings.

    Raises:
        OSError: it cannot be written, the disk is full for instance; says where.
        TypeError: `metadata` holds what JSON cannot.
    """
    arrays = {name: weight.cpu().numpy() for name, weight in model.state_dict().items()}
    arrays |= normalizer.state() if normalizer is not None else {}
    file = io.BytesIO()
    np.savez(file, metadata=np.array(json.dumps(metadata or {})), **arrays)  # pyright: ignore
    write_whole(path, file.getvalue())


def load_checkpoint(path: str | Path, model: nn.Module) -> tuple[Normalizer | None, dict[str, Any]]:
    """The normalizer and the metadata of a checkpoint; its weights are copied into `model`.

    Args:
        path: of a file that `save_checkpoint` wrote.
        model: made with the same sizes.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no checkpoint, or one of a model with other weights: of another environment,
            or with other hidden sizes. Weights that do fit have then been copied already.
    """
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            arrays = dict(file)
        metadata = json.loads(str(arrays.pop("metadata")))
        state = {name: arrays.pop(name) for name in list(arrays) if name.startswith("normalizer/")}
        model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        came = f"load_checkpoint: {path} is no checkpoint of this model"
        raise ValueError(f"{came}, but perhaps of another environment's: {error}") from error
    return (Normalizer.from_state(state) if state else None), metadata


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file so that at any moment it is the old one or the new one; OSError if it cannot."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        came = f"Cannot write {path} ({error.strerror}); what stood there is whole"
        raise OSError(f"{came}. Make room, then go on.") from error
    finally:
        partial.unlink(missing_ok=True)
