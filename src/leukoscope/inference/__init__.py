"""From image files to predictions: model file and card, predictor, evidence, verdict, results.

Needs only the core install: ONNX Runtime and Pillow, no PyTorch.
"""
