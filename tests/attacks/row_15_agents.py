"""Row 15: agents. The environment is the judge's; a policy sees observations and no more."""

import textwrap
from pathlib import Path

from attacks.attack import ARMS, VPG, Attack, hand_in, honest_work
from nbformat import NotebookNode

from grader.execute import cell_by_id, code_cell

RETURNS = {"discounted_returns": 2.0}
FOUND = ("wrong", "raises")


def _act(name: str, example: str, source: str, *codes: str) -> Attack:
    """An own `act`; discounted_returns is right, and the agent of the solution lies beside it."""

    def make(folder: Path, solved: NotebookNode, released: NotebookNode) -> None:
        notebook = honest_work(solved, released, RETURNS)
        answer = cell_by_id(notebook, "cartpole_agent")
        assert answer is not None
        answer.source = "import rlcore\n\n" + textwrap.dedent(source).strip()
        notebook.cells.insert(0, code_cell(ARMS.strip()))
        hand_in(folder, notebook, study=True)

    return Attack(name, 15, example, make, RETURNS, codes or FOUND, "cartpole_agent", VPG)


GOOD = """
agent = rlcore.load_agent("cartpole_agent")
calls = []

def act(observations):
    calls.append(len(observations))
    {body}
    return agent(observations)
"""


def _spoiled(name: str, example: str, body: str, *codes: str) -> Attack:
    """A good agent that does something else on the way."""
    source = GOOD.format(body=textwrap.indent(textwrap.dedent(body).strip(), "    ").strip())
    return _act(name, example, source, *codes)


ATTACKS = (
    _spoiled("a15-one-action", "actions of wrong shape", "return 1"),
    _spoiled("a15-table", "actions of wrong shape", "return agent(observations)[:, None]"),
    _spoiled("a15-too-few", "actions of wrong shape", "return agent(observations)[:-1]"),
    _spoiled(
        "a15-too-many",
        "actions of wrong shape",
        "return np.zeros(10_000_000)",
        "broken-evidence",
    ),
    _spoiled("a15-nan", "NaN", "return np.full(len(observations), np.nan)"),
    _spoiled("a15-inf", "NaN, or infinite", "return np.full(len(observations), np.inf)"),
    _spoiled("a15-third-action", "out of bounds", "return np.full(len(observations), 2)"),
    _spoiled("a15-negative", "out of bounds", "return np.full(len(observations), -1)"),
    _spoiled("a15-half-actions", "out of bounds", "return np.full(len(observations), 0.5)"),
    _spoiled("a15-huge", "out of bounds", "return np.full(len(observations), 2**63, dtype=float)"),
    _spoiled("a15-texts", "actions of wrong kind", 'return ["left"] * len(observations)'),
    _spoiled("a15-slow", "slow", "time.sleep(1.0)", "timeout"),
    _spoiled("a15-slower-and-slower", "slow", "time.sleep(0.02 * len(calls))", "timeout"),
    _spoiled("a15-busy", "slow", "sum(range(30_000_000))", "timeout"),
    _spoiled(
        "a15-exception",
        "an exception at step 700 (here 300: CartPole ends at 500)",
        'if len(calls) > 300:\n    raise RuntimeError("tired")',
    ),
    _spoiled(
        "a15-exits",
        "an exception at step 700: the process ends",
        "if len(calls) > 300:\n    os._exit(0)",
        "no-evidence",
        "kernel-died",
        "wrong",
    ),
    _act(
        "a15-finds-the-environment",
        "a policy that tries to find the environment it is judged in",
        """
        def act(observations):
            import gymnasium
            frame = sys._getframe()
            while frame:
                if {"envs", "env", "returns", "reward"} & set(frame.f_locals):
                    leak(sorted(frame.f_locals))
                frame = frame.f_back
            for thing in gc.get_objects():
                if isinstance(thing, gymnasium.Env):
                    leak(type(thing).__name__)
            return np.zeros(len(observations), dtype=int)
        """,
    ),
    _act(
        "a15-changes-the-environment",
        "a policy that tries to change the environment it is judged in",
        """
        import gymnasium
        from gymnasium.envs.classic_control import cartpole

        def step(self, action):
            return np.zeros(4, dtype=np.float32), 500.0, False, False, {}

        cartpole.CartPoleEnv.step = gymnasium.Wrapper.step = step
        cartpole.CartPoleEnv.x_threshold = 1e9
        rlcore.make_env = lambda name: None
        import grader.exercises.agents as ours
        ours.play = lambda *args: np.full(20, 500.0)
        object.__setattr__(ours.CARTPOLE_AGENT, "measure", lambda *args: ((), ""))

        def act(observations):
            observations[...] = 0
            return np.zeros(len(observations), dtype=int)
        """,
    ),
    _spoiled(
        "a15-knows-its-seed",
        "a policy that tries to find the environment it is judged in: by the seed it is given",
        """
        if len(calls) == 1:
            import torch
            seed = torch.initial_seed()
            starts = [rlcore.make_env("CartPole-v1").reset(seed=seed + k) for k in range(20)]
            known = np.array_equal(observations, np.stack([start for start, _ in starts]))
            calls.append("known" if known else "unknown")
        if calls[1] != "known":
            return np.zeros(len(observations), dtype=int)
        """,
        "wrong",
    ),
    _spoiled(
        "a15-claims-rewards",
        "a policy that tells the judge what it has earned",
        """
        say(frame({"returns": [500.0] * 20, "points": 3.0, "correct": True}))
        os._exit(0)
        """,
        "broken-evidence",
        "no-evidence",
        "kernel-died",
        "wrong",
    ),
    _act(
        "a15-answers-ahead",
        "a policy that answers before it is asked",
        """
        def act(observations):
            for _ in range(600):
                say(frame({"actions": np.zeros(20)}))
            return np.zeros(len(observations), dtype=int)
        """,
        "broken-evidence",
        "wrong",
        "raises",
    ),
    _act(
        "a15-lies",
        "actions of own classes",
        """
        class Lies(np.ndarray):
            __array_ufunc__ = None
            __eq__ = __le__ = __ge__ = lambda self, other: True

        def act(observations):
            return np.zeros(len(observations)).view(Lies)
        """,
    ),
)
