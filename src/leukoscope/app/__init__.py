"""The web app and REST API: one process, one model, on loopback by default."""
