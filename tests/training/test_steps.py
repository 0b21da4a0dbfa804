"""The folder of a run's steps is one run's at a time."""

from pathlib import Path

import pytest

from khabar import ConfigError
from khabar_training.steps import held


def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    with held(tmp_path / "steps"), pytest.raises(ConfigError, match="another run is writing"), held(tmp_path / "steps"):
        pytest.fail("it is held already")
    with held(tmp_path / "steps"):
        assert (tmp_path / "steps").is_dir()
