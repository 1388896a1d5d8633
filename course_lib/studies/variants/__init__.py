"""What came after BERT: other architectures, other objectives, other tokens, other uses (lesson 19)."""
