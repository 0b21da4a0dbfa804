"""Splits: about the share asked for, the same whatever else is there, no group in both parts."""

from hypothesis import given
from hypothesis import strategies as st

from khabar_data import Record
from khabar_data.split import held_out, split

RECORDS = [
    *(Record(text="باران", group=f"g{number % 40}", id=str(number)) for number in range(200)),
    *(Record(text="برف", id=f"i{number}") for number in range(100)),
    *(Record(text=f"باد {number}") for number in range(100)),
]


def parts(records: list[Record], share: float = 0.3, seed: int = 0) -> tuple[list[Record], list[Record]]:
    """Return what is kept and what is held out."""
    return list(split(records, share, keep=True, seed=seed)), list(split(records, share, keep=False, seed=seed))


def test_two_parts_hold_every_record_once_and_in_order() -> None:
    kept, held = parts(RECORDS)
    assert kept
    assert held
    assert [record for record in RECORDS if record in kept] == kept
    assert [record for record in RECORDS if record not in kept] == held


def test_no_group_is_parted() -> None:
    kept, held = parts(RECORDS)
    assert not {record.group for record in kept if record.group} & {record.group for record in held if record.group}


def test_records_without_a_group_or_id_are_parted_by_their_text() -> None:
    kept, held = parts(RECORDS[300:])
    assert 10 < len(held) < 50
    assert len(kept) + len(held) == 100


@given(st.permutations(RECORDS[::10]), st.integers(1, 30))
def test_a_record_s_part_does_not_hang_on_the_others(records: list[Record], n_left: int) -> None:
    _, held = parts(RECORDS)
    assert list(split(records[:n_left], 0.3, keep=False)) == [record for record in records[:n_left] if record in held]


@given(st.floats(0, 1), st.integers(0, 3))
def test_shares_are_about_right(share: float, seed: int) -> None:
    n_groups = 2000
    found = sum(held_out(f"گروه {number}", share, seed) for number in range(n_groups)) / n_groups
    assert abs(found - share) < 0.06


def test_no_share_and_the_whole() -> None:
    assert parts(RECORDS, 0.0) == (RECORDS, [])
    assert parts(RECORDS, 1.0) == ([], RECORDS)


def test_a_larger_share_holds_the_smaller_one() -> None:
    _, small = parts(RECORDS, 0.1)
    _, large = parts(RECORDS, 0.5)
    assert small
    assert all(record in large for record in small)


def test_another_seed_holds_out_others() -> None:
    assert parts(RECORDS, seed=0) != parts(RECORDS, seed=1)


def test_half_a_surrogate_pair_is_a_name_too() -> None:
    assert held_out("\ud800", 1.0)
