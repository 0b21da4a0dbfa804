"""Stance toward targets in English, which training goes through before Persian: NewsMTSC's development part.

    python benchmarks/english.py ../shared/data --model FOLDER [--json FILE]

For a checkpoint of before `khabar trim`, which takes the English word pieces away.
"""

from pathlib import Path

from accuracy import TARGET_LABELS, Report, Rows, run, stance, table, target_judge, targets_of

import khabar
from khabar_data.corpora import read_corpus


def measure(analyzer: khabar.Analyzer, folder: Path) -> Rows:
    report = Report()
    train, dev = (list(read_corpus("newsmtsc", folder, part)) for part in ("train", "dev"))
    stance(report, "newsmtsc dev", TARGET_LABELS, dev, train, target_judge(analyzer), targets_of)
    return report.rows


if __name__ == "__main__":
    run(__doc__, measure, table)
