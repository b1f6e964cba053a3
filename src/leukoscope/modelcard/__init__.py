"""Documents about a model: its card as a page, and reporting checklists."""
