"""The functions of the Python API, one module per topic; `leukoscope/__init__.pyi` lists them.

The command line calls the same functions. Modules that need an extra are imported inside the
functions, so that predicting stays light.
"""
