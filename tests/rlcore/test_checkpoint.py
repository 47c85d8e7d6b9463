"""Checkpoints come back bit for bit, are whole or not there, and never run code."""

import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from rlcore import Normalizer, load_checkpoint, mlp, save_checkpoint


def normalizer():
    made = Normalizer((3,), gamma=0.9)
    rewards = np.arange(8.0).reshape(4, 2)
    flags = np.zeros((4, 2), dtype=bool)
    observations = np.random.default_rng(0).normal(size=(4, 2, 3))
    made.normalize(
        {"observations": observations, "next_observations": observations, "rewards": rewards}
        | {"terminated": flags, "truncated": flags}
    )
    return made


def test_weights_normalizer_and_metadata_come_back_bit_for_bit(tmp_path):
    model, other, statistics = mlp((3, 8, 2)), mlp((3, 8, 2)), normalizer()
    path = tmp_path / "new" / "model.npz"
    save_checkpoint(
        path, model, normalizer=statistics, metadata={"env": "CartPole-v1", "score": 1.5}
    )
    restored, metadata = load_checkpoint(path, other)
    assert metadata == {"env": "CartPole-v1", "score": 1.5}
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    for name, array in statistics.state().items():
        np.testing.assert_array_equal(restored.state()[name], array)


def test_without_a_normalizer_none_comes_back(tmp_path):
    save_checkpoint(tmp_path / "model.npz", mlp((3, 2)))
    assert load_checkpoint(tmp_path / "model.npz", mlp((3, 2))) == (None, {})


@pytest.mark.parametrize("sizes", [(4, 8, 2), (3, 16, 2), (3, 8, 8, 2)])
def test_a_checkpoint_of_another_environment_or_size_is_refused(tmp_path, sizes):
    save_checkpoint(tmp_path / "model.npz", mlp((3, 8, 2)))
    with pytest.raises(ValueError, match="no checkpoint of this model, but perhaps of another env"):
        load_checkpoint(tmp_path / "model.npz", mlp(sizes))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(ValueError, match="no checkpoint"):
        load_checkpoint(tmp_path / "model.npz", mlp((3, 2)))


def test_a_pickle_inside_is_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return Path.write_text, (tmp_path / "exploded", "")

    metadata = np.array("{}")
    np.savez(tmp_path / "model.npz", metadata=metadata, weight=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="no checkpoint"):
        load_checkpoint(tmp_path / "model.npz", mlp((3, 2)))
    assert not (tmp_path / "exploded").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.npz"):
        load_checkpoint(tmp_path / "gone.npz", mlp((3, 2)))


def test_a_full_disk_leaves_the_old_checkpoint_whole_and_no_litter(tmp_path, monkeypatch):
    path, model = tmp_path / "model.npz", mlp((3, 2))
    save_checkpoint(path, model)
    old = path.read_bytes()

    def full(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"Cannot write .*No space left.*Make room, then go on"):
        save_checkpoint(path, mlp((3, 2)))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
