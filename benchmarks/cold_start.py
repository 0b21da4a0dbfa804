"""What a single article costs from a cold start: import time, wall time, peak memory.

    python benchmarks/cold_start.py [--runs 7]

Each run is a new process. The article is the shipped sample, repeated to 400 words; medians are printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from rich.console import Console
from rich.table import Table

WORDS = 400


def measure(command: list[str]) -> tuple[float, float]:
    """Return the seconds and the peak megabytes of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    sample = (files("khabar") / "samples" / "article.txt").read_text("utf-8").split()
    article = " ".join((sample * (WORDS // len(sample) + 1))[:WORDS])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "article.txt"
        path.write_text(article, "utf-8")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import khabar": [sys.executable, "-c", "import khabar"],
            f"khabar predict, {WORDS} words": [str(Path(sys.executable).parent / "khabar"), "predict", str(path)],
        }
        table = Table("process", "seconds (median)", "slowest", "peak MB")
        for name, command in commands.items():
            results = [measure(command) for _ in range(runs)]
            seconds = [result[0] for result in results]
            table.add_row(
                name,
                f"{statistics.median(seconds):.2f}",
                f"{max(seconds):.2f}",
                f"{max(result[1] for result in results):.0f}",
            )
    Console().print(table)
    Console().print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
