"""Tuning: a study of many trainings that look for the best settings of a recipe."""
