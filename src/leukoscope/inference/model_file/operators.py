"""The ONNX operators that a model file may use.

A model file can come from a stranger, and ONNX Runtime does what its graph says. The list holds
what exporters write for feed-forward networks and for estimators of scikit-learn: operators whose
work is bounded by the size of their inputs. Loops, branches, sequences, text, random numbers and
operators of other libraries are not on it, so that a file cannot run forever. How much memory the
rest may take is bounded by `session.MEMORY_LIMIT`.
"""

from collections.abc import Iterable, Mapping

ALLOWED: Mapping[str, frozenset[str]] = {
    "ai.onnx": frozenset(
        [
            "Abs",
            "Acos",
            "Add",
            "And",
            "ArgMax",
            "ArgMin",
            "Asin",
            "Atan",
            "AveragePool",
            "BatchNormalization",
            "Cast",
            "CastLike",
            "Ceil",
            "Celu",
            "CenterCropPad",
            "Clip",
            "Compress",
            "Concat",
            "Constant",
            "ConstantOfShape",
            "Conv",
            "ConvInteger",
            "ConvTranspose",
            "Cos",
            "Cosh",
            "CumSum",
            "DepthToSpace",
            "DequantizeLinear",
            "Div",
            "Dropout",
            "DynamicQuantizeLinear",
            "Einsum",
            "Elu",
            "Equal",
            "Erf",
            "Exp",
            "Expand",
            "EyeLike",
            "Flatten",
            "Floor",
            "Gather",
            "GatherElements",
            "GatherND",
            "Gelu",
            "Gemm",
            "GlobalAveragePool",
            "GlobalLpPool",
            "GlobalMaxPool",
            "Greater",
            "GreaterOrEqual",
            "GroupNormalization",
            "HardSigmoid",
            "HardSwish",
            "Hardmax",
            "Identity",
            "InstanceNormalization",
            "IsInf",
            "IsNaN",
            "LRN",
            "LayerNormalization",
            "LeakyRelu",
            "Less",
            "LessOrEqual",
            "Log",
            "LogSoftmax",
            "LpNormalization",
            "LpPool",
            "MatMul",
            "MatMulInteger",
            "Max",
            "MaxPool",
            "Mean",
            "MeanVarianceNormalization",
            "Min",
            "Mish",
            "Mod",
            "Mul",
            "Neg",
            "NonZero",
            "Not",
            "OneHot",
            "Or",
            "PRelu",
            "Pad",
            "Pow",
            "QLinearConv",
            "QLinearMatMul",
            "QuantizeLinear",
            "RMSNormalization",
            "Range",
            "Reciprocal",
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSum",
            "ReduceSumSquare",
            "Relu",
            "Reshape",
            "Resize",
            "Round",
            "ScatterElements",
            "ScatterND",
            "Selu",
            "Shape",
            "Shrink",
            "Sigmoid",
            "Sign",
            "Sin",
            "Sinh",
            "Size",
            "Slice",
            "Softmax",
            "Softplus",
            "Softsign",
            "SpaceToDepth",
            "Split",
            "Sqrt",
            "Squeeze",
            "Sub",
            "Sum",
            "Tan",
            "Tanh",
            "ThresholdedRelu",
            "Tile",
            "TopK",
            "Transpose",
            "Trilu",
            "Unsqueeze",
            "Where",
            "Xor",
        ]
    ),
    "ai.onnx.ml": frozenset(
        [
            "ArrayFeatureExtractor",
            "Binarizer",
            "FeatureVectorizer",
            "Imputer",
            "LinearClassifier",
            "LinearRegressor",
            "Normalizer",
            "SVMClassifier",
            "SVMRegressor",
            "Scaler",
            "TreeEnsemble",
            "TreeEnsembleClassifier",
            "TreeEnsembleRegressor",
        ]
    ),
    # Nearest neighbors as skl2onnx exports them.
    "com.microsoft": frozenset(["CDist"]),
}


def refused(operators: Iterable[tuple[str, str]]) -> list[str]:
    """Find operators that are not allowed.

    Args:
        operators: Pairs of domain and name.

    Returns:
        "domain:name" of each, sorted; the standard domain is ai.onnx.
    """
    return sorted(
        {
            f"{domain}:{name}"[:80]
            for domain, name in operators
            if name not in ALLOWED.get(domain, frozenset())
        }
    )
