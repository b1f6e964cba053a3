"""Models that can be trained: recipes (settings as data) and the networks they name."""
