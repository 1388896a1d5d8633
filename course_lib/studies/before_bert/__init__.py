"""What came before BERT, at our scale: word counts, static vectors, one-way reading (lesson 01)."""
