"""BERT from scratch: WordPiece, inputs, encoder, heads, and loading published weights."""
