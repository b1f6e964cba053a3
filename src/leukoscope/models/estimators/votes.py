"""Log-odds from votes, for estimators whose members vote."""

from dataclasses import replace
from typing import Any

import numpy as np

from leukoscope.models.estimators.base import Floats
from leukoscope.models.estimators.onnx_graph import OnnxPart, Source, from_sklearn

HALF_A_VOTE = 0.5
"""Added to both sides, so that the log-odds of a unanimous vote are finite."""


def log_odds(votes_all: Floats, votes_hem: Floats) -> Floats:
    """Log-odds of ALL, from the number of votes for each class."""
    return np.log((votes_all + HALF_A_VOTE) / (votes_hem + HALF_A_VOTE))


def votes_part(model: Any, source: Source, count: int, votes: int, **options: Any) -> OnnxPart:
    """An estimator of scikit-learn that gives each class a fraction of the votes.

    Args:
        model: The fitted estimator.
        source: The tensor that it is given.
        count: Number of descriptors.
        votes: Number of voters.
        **options: For the converter.
    """
    from onnx import TensorProto
    from onnx.helper import make_node

    part = from_sklearn(model, source, count, **options)
    nodes = []
    for name in ("hem", "all"):
        nodes.append(make_node("Mul", [f"{name}_column", "voters"], [f"{name}_votes"]))
        nodes.append(make_node("Add", [f"{name}_votes", "half"], [f"{name}_side"]))
    nodes += [
        make_node("Div", ["all_side", "hem_side"], ["odds"]),
        make_node("Log", ["odds"], ["log_odds"]),
        make_node("Cast", ["log_odds"], ["logit"], to=TensorProto.FLOAT),
    ]
    constants = {"voters": np.array(float(votes)), "half": np.array(HALF_A_VOTE)}
    return replace(part, nodes=part.nodes + nodes, constants=part.constants | constants)
