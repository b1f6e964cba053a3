"""Honest evaluation: metrics, person intervals, calibration, operating point, plots, report."""
