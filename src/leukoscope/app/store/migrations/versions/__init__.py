"""A file for each change of the tables, in order; an old one is never edited."""
