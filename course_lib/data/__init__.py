"""Where text and weights come from: sources, and one reader per official format."""
