"""Cells and where they come from: images, the cohort table, the audit, splits."""
