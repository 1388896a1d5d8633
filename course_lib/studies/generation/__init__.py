"""BERT beside language models that write: formats, decoders, sampling, prices and patches (lesson 21)."""
