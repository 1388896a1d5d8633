"""Making a model small and fast, and measuring it: distillation, int8, pruning, unpadding, storage (lesson 19)."""
