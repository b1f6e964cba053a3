"""From the cells of a subject to one answer for the subject."""
