"""BERT as a source of features, and the steps from a frozen encoder to one that is trained whole; lesson 17's study."""
