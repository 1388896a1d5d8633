"""Fine-tuning: one loop, and one file a task with its features, head, decoding and metrics."""
