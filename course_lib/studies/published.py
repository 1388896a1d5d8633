"""Numbers that papers have published, each with its source. Nothing here was measured by the course."""

# Devlin et al. 2018, table 8, dev sets: shares of [MASK], same word, random word (%), then
# MNLI accuracy and NER F1 after fine-tuning, and NER F1 with BERT as a fixed feature extractor.
MASKING_STRATEGIES = [
    (80, 10, 10, 84.2, 95.4, 94.9),
    (100, 0, 0, 84.3, 94.9, 94.0),
    (80, 0, 20, 84.1, 95.2, 94.6),
    (80, 20, 0, 84.4, 95.2, 94.7),
    (0, 20, 80, 83.7, 94.8, 94.6),
    (0, 0, 100, 83.6, 94.9, 94.6),
]

# Sun et al. 2019, table 2: test error on IMDB (%), by which part of a long text is kept.
IMDB_TEST_ERROR = {"first 510 tokens": 5.63, "last 510 tokens": 5.44, "first 128 and last 382": 5.42}
IMDB_FEATURES_ERROR = 6.79  # Sun et al. 2019: BERT as a fixed feature extractor
