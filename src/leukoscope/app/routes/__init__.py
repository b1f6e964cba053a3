"""The routes of the REST API and the page, one module per topic."""
