"""Evaluation reports: what was measured, as data, as a page, as a summary, and side by side."""
