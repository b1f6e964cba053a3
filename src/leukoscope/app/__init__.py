"""The web app and REST API: one process, one model, loopback unless told otherwise."""
