"""Peak memory of a LunarLander-v3 run of 10,000, 100,000 and 1,000,000 steps; prints a table."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

STEPS = (10_000, 100_000, 1_000_000)


def train_and_measure(steps: int) -> int:
    """Peak resident memory in kB of this process after training so many steps."""
    from rlcore import Config
    from rlcore.train import train

    train(Config(env="LunarLander-v3", epochs=steps // 1000), progress=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """One process per length; writes memory.json beside this file."""
    if len(sys.argv) > 1:
        print(train_and_measure(int(sys.argv[1])))
        return
    results = {}
    for steps in STEPS:
        start = time.perf_counter()
        command = [sys.executable, __file__, str(steps)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        results[steps] = round(int(answer.stdout) / 1024)
        print(
            f"{steps:10,} steps: {results[steps]} MB, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
    path = Path(__file__).with_name("memory.json")
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
