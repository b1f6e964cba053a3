"""Estimators of classical machine learning, one file each: settings, fit, logit and ONNX graph.

Each file registers its estimator in `base.ESTIMATORS`. All files of this folder are imported here,
so a new estimator is one new file. Importing them needs neither scikit-learn nor PyTorch.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
