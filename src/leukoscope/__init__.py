"""Leukoscope distinguishes leukemic blasts from normal lymphoid cells, and measures how well.

Research use only. Not for diagnosis.

    import leukoscope as ls

    ls.predict("cells/")  # predictions that print as a table

    run = ls.train("C-NMC_Leukemia", "cnn-gap")
    ls.evaluate(run).metrics["auroc"]
    ls.predict("cells/", run.model, out="results.csv")

The names are listed in `__init__.pyi`. They are loaded when they are used, so that this import
costs nothing.
"""

import lazy_loader

from leukoscope.core.telemetry import disable_telemetry
from leukoscope.core.version import __version__ as __version__

disable_telemetry()  # before any dependency is loaded
__getattr__, _lazy_names, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __dir__() -> list[str]:
    return sorted(__all__)
