"""Reads archives: tables in, the same rows out with the analysis beside them, in parts that survive being killed.

:func:`run_batch` is what ``khabar batch`` runs; :func:`analyze_rows` is what reads the articles in every engine.
"""

from khabar.batch.analysis import analyze_rows
from khabar.batch.rows import Row
from khabar.batch.run import Engine, Step, run_batch
from khabar.batch.settings import BatchSettings, Columns

__all__ = ["BatchSettings", "Columns", "Engine", "Row", "Step", "analyze_rows", "run_batch"]
