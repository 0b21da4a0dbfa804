"""Settings of a run: from TOML, and refused with what to type instead."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from khabar import ConfigError
from khabar_training.config import DataSpec, TrainingConfig

RECIPES = Path(__file__).resolve().parents[2] / "training" / "recipes"
GOOD = """
output = "runs/a"
corpora = "data"
learning_rate = 2e-4
task_weights = { entities = 3.0 }
[[data]]
corpus = "own"
passes = 0.5
[[data]]
corpus = "peyma"
join = true
"""


def read(folder: Path, toml: str) -> TrainingConfig:
    (folder / "run.toml").write_text(toml, "utf-8")
    return TrainingConfig.from_toml(folder / "run.toml")


def test_toml_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == TrainingConfig(
        output=Path("runs/a"),
        corpora=Path("data"),
        learning_rate=2e-4,
        task_weights={"entities": 3.0},
        data=(DataSpec(corpus="own", passes=0.5), DataSpec(corpus="peyma", join=True)),
    )


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.name)
def test_recipes_are_read(recipe: Path) -> None:
    assert TrainingConfig.from_toml(recipe).data


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("learning_rate", "learning_rat", "no setting is called 'learning_rat'.*did you mean 'learning_rate'?"),
        ("passes", "pases", "no setting is called 'pases'.*did you mean 'passes'?"),
        ('"own"', '"owm"', "no corpus is called 'owm'.*did you mean 'own'?"),
        ("entities", "entites", "task_weights names 'entites'.*did you mean 'entities'?"),
        ("2e-4", '"fast"', "the settings do not fit"),
        ("2e-4", "-2e-4", "learning_rate is -0.0002; it takes a number above 0"),
        ("0.5", "0", "passes of own is 0; it takes a number above 0"),
        ('output = "runs/a"', "", "the settings do not fit.*output"),
        ("[[data]]", "[data", "run.toml cannot be read as TOML"),
    ],
)
def test_what_is_wrong_in_toml_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('output = "a"\ncorpora = "b"\n', "the run has no data; add at least one"),
        ('output = "a"\ncorpora = "b"\ndata = "own"\n', "'data' is str; it takes"),
        ('output = "a"\ncorpora = "b"\ndata = [1]\n', "'data' holds int; it takes"),
        ('output = 5\ncorpora = "b"\n[[data]]\ncorpus = "own"\n', "output is 5; it takes a folder"),
    ],
)
def test_toml_of_another_form_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, toml)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read as TOML"):
        TrainingConfig.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("learning_rate", 0.0),
        ("head_learning_rate", -1e-3),
        ("layer_decay", -0.5),
        ("warmup", -0.1),
        ("weight_decay", -0.01),
        ("dropout", -0.1),
        ("label_smoothing", -0.1),
        ("save_steps", 0),
        ("batch_tokens", 95),
    ],
)
def test_settings_out_of_range(config: TrainingConfig, setting: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{setting} is {value}; it takes"):
        replace(config, **{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [("passes", -1.0), ("held_out", 1.5), ("held_out", -0.1), ("swap_names", 2.0), ("per_class", 0)],
)
def test_settings_of_data_out_of_range(setting: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{setting} of own is {value}; it takes"):
        DataSpec(**{"corpus": "own", setting: value})
