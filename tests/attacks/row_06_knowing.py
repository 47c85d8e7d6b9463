"""Row 6: knowing where one is, and behaving well only there."""

from attacks.attack import GAE, TD, Attack, cells, gae

from grader.hidden import ROOT

PUBLISHED = (ROOT / "notebooks" / f"{GAE}.json").read_text(encoding="utf-8")

HARD_CODED = gae(
    """
    published = json.load(open("mine.json"))["exercises"]["gae"]["cases"]
    for case in published:
        asked = np.array(case["inputs"]["rewards"]["data"]).reshape(-1)
        if asked.size == rewards.size and np.allclose(asked, rewards.reshape(-1)):
            right = case["expected"].get("advantages", {"data": [0.0] * asked.size})
            return np.array(right["data"]).reshape(rewards.shape)
    return np.zeros(rewards.shape)
    """
)

RIGHT = """
deltas = rewards + gamma * (1.0 - terminated) * next_values - values
for t in range(len(deltas) - 2, -1, -1):
    deltas[t] += gamma * gae_lambda * ~(terminated | truncated)[t] * deltas[t + 1]
"""

ATTACKS = (
    Attack(
        "a06-hard-coded",
        6,
        "behaving well only for the published inputs (hard-coded answers)",
        cells({"gae": HARD_CODED}, files={"mine.json": PUBLISHED}),
        TD,
        ("wrong",),
    ),
    Attack(
        "a06-not-when-judged",
        6,
        "behaving well only when it is not graded",
        cells(
            {
                "gae": "import os, sys\n"
                + gae(
                    RIGHT
                    + """
frame = sys._getframe()
while frame and frame.f_code.co_name != "answer_question":
    frame = frame.f_back
return deltas * 0 if frame else deltas
"""
                )
            }
        ),
        TD,
    ),
    Attack(
        "a06-first-calls",
        6,
        "behaving well only for as many calls as the published check makes",
        cells(
            {
                "gae": "calls = []\n"
                + gae(RIGHT + "\ncalls.append(1)\nreturn deltas if len(calls) < 15 else deltas * 0")
            }
        ),
        TD,
        ("wrong",),
    ),
    Attack(
        "a06-only-when-graded",
        6,
        "behaving only when graded",
        cells(
            {
                "gae": "import os\n"
                + gae(
                    RIGHT
                    + '\nif os.environ.get("USER") == "student":\n    os._exit(0)\nreturn deltas'
                )
            }
        ),
        TD,
        ("no-evidence", "kernel-died"),
    ),
)
