"""Khabar's training: losses, trainer, export, metrics and the command line."""
