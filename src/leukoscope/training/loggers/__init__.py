"""Optional loggers that a training reports its metrics to: MLflow and TensorBoard."""
