"""A search engine without a server: words, embeddings, pairs and a reader (lesson 21)."""
