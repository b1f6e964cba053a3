"""A model's papers: its card as a page, and reporting checklists, filled from file and run."""
