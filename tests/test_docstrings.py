"""The examples in docstrings run."""

import doctest
from importlib import import_module

import pytest

from khabar.checkpoint import bundled


@pytest.mark.skipif(not bundled().is_dir(), reason="the bundled model is not in this tree")
@pytest.mark.parametrize(
    "module",
    [
        "khabar",
        "khabar.analyzer",
        "khabar_data.formats",
        "khabar_data.label_map",
        "khabar_data.records",
        "khabar_training.report.marking",
    ],
)
def test_examples(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert result.attempted
    assert not result.failed
