"""Let atheris choose the inputs of one target by the code that they reach; it needs ``pip install atheris``.

    python -m fuzzing.guided format-csv MODEL [-max_total_time=600]

What stands behind MODEL goes to libFuzzer. A failure ends the run; its input is written where libFuzzer says.
"""

import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["khabar", "khabar_data"]):
    from fuzzing.mutations import mutated
    from fuzzing.targets import TARGETS, Fixtures
    from khabar.checkpoint import located
    from khabar.errors import KhabarError


def main() -> None:
    target = TARGETS[sys.argv[1]]
    fixtures = Fixtures(Path(tempfile.mkdtemp(prefix="khabar-fuzz-")), located(sys.argv[2]).resolve())
    seeds = target.seeds(fixtures)

    def feed(data: bytes) -> None:
        try:
            target.feed(data, fixtures)
        except KhabarError:
            return

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        """Mutate what libFuzzer keeps, and now and then a seed, in the ways of the other runs."""
        chance = Random(seed)
        return mutated((data,) if data and chance.random() < 0.9 else seeds, chance)[:max_size]

    atheris.Setup([sys.argv[0], "-max_len=1000000", *sys.argv[3:]], feed, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
