"""Alembic's folder: env.py, and a file for each change of the tables."""
