"""Two tries of what benchmarks/faults.py does by the hundred: a fault, and the command run again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.faults import FAULTS, JOBS, Job, attempt, expected_of


@pytest.fixture(scope="module")
def tiny(tiny_checkpoint: Callable[[str], Path]) -> Path:
    return tiny_checkpoint("unigram").parent


@pytest.mark.parametrize("fault", ["killed", "disk_full", "two_runs"])
def test_a_batch_is_right_in_the_end(fault: str, tiny: Path) -> None:
    expected = expected_of(JOBS["batch"], tiny)
    outcomes = [attempt(JOBS["batch"], fault, tiny, number, expected) for number in range(2)]
    assert not [outcome for outcome in outcomes if outcome.startswith("wrong")]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["killed", "disk_full"])
@pytest.mark.parametrize("name", ["export", "calibrate", "report"])
def test_other_commands_are_right_in_the_end(name: str, fault: str, tiny: Path) -> None:
    expected = expected_of(JOBS[name], tiny)
    outcome = attempt(JOBS[name], fault, tiny, 0, expected)
    assert not outcome.startswith("wrong"), outcome


def test_a_wrong_result_is_told(tiny: Path) -> None:
    odd = Job("batch", JOBS["batch"].arguments, JOBS["batch"].result)
    assert attempt(odd, "clock_back", tiny, 0, (["another"], 1.0)) == "wrong: another result"
    assert set(FAULTS) == {"killed", "disk_full", "read_only", "clock_back", "two_runs", "input_replaced"}
