"""Evaluation: questions asked of a model, answers judged, outcomes turned into figures beside baselines."""
