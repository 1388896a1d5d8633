"""Pre-training: masking, sentence pairs, and the training loop."""
