"""Looking inside a model: attention, attributions, probes, removals, surrogates and fairness (lesson 18)."""
