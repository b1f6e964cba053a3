"""From image files to rows: the model file and its card, the predictor, triage, results.

Needs only the core install: ONNX Runtime and Pillow, no PyTorch.
"""
