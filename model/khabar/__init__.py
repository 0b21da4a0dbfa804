"""Khabar reads Persian and Dari news: topic, stance, named entities."""
