"""Random parts of a set of records: nothing leaks between them, and each has its share of every label."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

from khabar.errors import ConfigError
from khabar_data.duplicates import NearDuplicates
from khabar_data.label_map import label_counts
from khabar_data.records import Record

type Traits = Counter[tuple[str, str]]
"""How many records have each (task, label), and how many there are."""

_SIZE: Final = ("", "")


def partition(records: Iterable[Record], shares: Mapping[str, float], seed: int = 0) -> dict[str, list[Record]]:
    """Part records into named shares, in their order; what is of one group or nearly the same stays together.

    ``split.held_out`` asks a group's name alone and can stream; this one holds all records in memory, and can
    therefore balance labels. The rarest label of a cluster decides where it goes, and clusters with rare labels
    are dealt out first (iterative stratification, Sechidis et al. 2011, with clusters in place of records).

    >>> parts = partition((Record(text=f"خبر {number}") for number in range(10)), {"train": 0.8, "dev": 0.2})
    >>> {name: len(part) for name, part in parts.items()}
    {'train': 8, 'dev': 2}
    """
    _check_shares(shares)
    every = list(records)
    clusters = clustered(every)
    Random(seed).shuffle(clusters)
    traits = [_traits(every[index] for index in cluster) for cluster in clusters]
    total = sum(traits, Counter[tuple[str, str]]())
    wanted = {name: {trait: share * count for trait, count in total.items()} for name, share in shares.items()}
    homes: dict[int, str] = {}
    for number in sorted(range(len(clusters)), key=lambda number: _order(traits[number], total)):
        here = traits[number]
        rarest_first = sorted(here, key=lambda trait: (total[trait], trait))
        home = max(wanted, key=lambda name: [wanted[name][trait] for trait in rarest_first])
        for trait, count in here.items():
            wanted[home][trait] -= count
        homes |= dict.fromkeys(clusters[number], home)
    return {name: [record for index, record in enumerate(every) if homes[index] == name] for name in shares}


def clustered(records: Sequence[Record]) -> list[list[int]]:
    """Return the numbers of records that must stay together: same group, or nearly the same text."""
    leaders = list(range(len(records)))
    groups: dict[str, int] = {}
    near = NearDuplicates()

    def leader(number: int) -> int:
        while leaders[number] != number:
            leaders[number] = leaders[leaders[number]]
            number = leaders[number]
        return number

    for number, record in enumerate(records):
        twin = near.add(record.text)
        kin = None if record.group is None else groups.setdefault(record.group, number)
        for other in (twin, kin):
            if other is not None:
                leaders[leader(number)] = leader(other)
    clusters: dict[int, list[int]] = {}
    for number in range(len(records)):
        clusters.setdefault(leader(number), []).append(number)
    return list(clusters.values())


def _check_shares(shares: Mapping[str, float]) -> None:
    given = ", ".join(f"{name} {share}" for name, share in shares.items()) or "none"
    if not all(share > 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise ConfigError(f"the shares are {given}; each takes a number above 0, and together they take 1")


def _traits(records: Iterable[Record]) -> Traits:
    traits: Traits = Counter()
    for record in records:
        traits.update({_SIZE, *label_counts(record)})
    return traits


def _order(here: Traits, total: Traits) -> tuple[int, int]:
    """Put clusters with the rarest label first, and large ones before small ones."""
    return min(total[trait] for trait in here), -here[_SIZE]
