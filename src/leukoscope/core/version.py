"""The version of Leukoscope, its only mention in the code; the build reads it from here."""

__version__ = "0.2.0"
