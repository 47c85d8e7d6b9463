"""Row 14: pickles. What one of them would do, it does to a file outside."""

import io
from pathlib import Path

import numpy as np
from attacks.attack import GAE, TD, VPG, ZEROS, Attack, cells, gae, hand_in, honest_work
from nbformat import NotebookNode

from grader.hidden import AGENTS

MARK = "/tmp/rlcore-attack-pickle"
POISON = f"cbuiltins\nexec\n(S\"open('{MARK}', 'a').write('x')\"\ntR.".encode()
RETURNS = {"discounted_returns": 2.0}


def _agent(name: str, files: dict[str, bytes], act: str, *codes: str) -> Attack:
    """An agent's folder with these files in it, and how the answer loads it."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        notebook = honest_work(solved, released, [*RETURNS, "cartpole_agent"])
        if act:
            next(c for c in notebook.cells if c.source.startswith("@functools")).source = act
        hand_in(folder, notebook)
        (folder / "cartpole_agent").mkdir()
        for file, content in files.items():
            (folder / "cartpole_agent" / file).write_bytes(content)

    found = codes or ("raises", "wrong", "no-evidence")
    return Attack(name, 14, "a poisoned checkpoint", make, RETURNS, found, "cartpole_agent", VPG)


def _study(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
    """Six runs, each file of which is a pickle."""
    hand_in(folder, honest_work(solved, released, [*TD, "returns_vs_gae_study"]))
    for run in (AGENTS / GAE / "logs" / "3a").iterdir():
        place = folder / "logs" / "3a" / run.name
        place.mkdir(parents=True)
        for name in ("config.json", "history.csv", "model.npz", "result.pkl"):
            (place / name).write_bytes(POISON)


def _poisoned_array() -> bytes:
    """An array of objects in numpy's own format: a header, and a pickle."""
    content = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue() + POISON


def _poisoned_archive() -> bytes:
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("actor.0.weight", "actor.0.bias", "metadata", "model"):
            archive.writestr(f"{name}.npy", _poisoned_array())
    return content.getvalue()


CONFIG = next((AGENTS / VPG / "cartpole_agent").glob("config.json")).read_bytes()

ATTACKS = (
    _agent("a14-npz", {"config.json": CONFIG, "model.npz": _poisoned_archive()}, ""),
    _agent("a14-npy", {"config.json": CONFIG, "model.npz": _poisoned_array()}, ""),
    _agent("a14-config", {"config.json": POISON, "model.npz": POISON}, ""),
    _agent(
        "a14-loads-it-itself",
        {"policy.pkl": POISON},
        "import pickle\n\n\ndef act(observations):\n"
        '    return pickle.load(open("cartpole_agent/policy.pkl", "rb"))',
    ),
    Attack(
        "a14-study",
        14,
        "a poisoned result",
        _study,
        TD,
        ("wrong", "raises", "no-evidence"),
        "returns_vs_gae_study",
    ),
    Attack(
        "a14-evidence",
        14,
        "a poisoned result, sent as evidence",
        cells(
            {
                "gae": f"POISON = {POISON!r}\n"
                + gae("say(frame(POISON))\nsay(POISON)\nreturn np.zeros(rewards.shape)")
            }
        ),
        TD,
        ("broken-evidence", "no-evidence", "wrong", "kernel-died"),
    ),
    Attack(
        "a14-observables",
        14,
        "a poisoned result, as an object that pickles itself",
        cells(
            {
                "gae": """
                class Poison:
                    def __reduce__(self):
                        return exec, ("open('/tmp/rlcore-attack-pickle', 'a').write('x')",)

                """
                + gae("return np.array([Poison() for _ in rewards], dtype=object)").replace(
                    "\n", "\n                "
                )
            }
        ),
        TD,
    ),
    Attack(
        "a14-beside",
        14,
        "a poisoned checkpoint beside the notebook",
        cells(
            {"gae": ZEROS},
            files={name: POISON.decode() for name in ("a.pkl", "model.pt", "x.joblib", "y.npy")},
        ),
        TD,
    ),
)
