"""Kill, fuzz and fault runs: `python -m tests.torture`, or `make torture`; see docs/testing.md."""
