"""The visible loop: crops in memory, augmentation, sampling, fitting, checkpoints, export."""
