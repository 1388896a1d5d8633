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

# Devlin et al. 2018, table 5, dev sets: MNLI-m, QNLI, MRPC, SST-2 (accuracy), SQuAD 1.1 (F1).
NEXT_SENTENCE_ABLATION = {
    "with NSP": (84.4, 88.4, 86.7, 92.7, 88.5),
    "without NSP": (83.9, 84.9, 86.5, 92.6, 87.9),
}
# The last two rows of the same table; both are trained without NSP.
DIRECTION_ABLATION = {
    "left to right": (82.1, 84.3, 77.5, 92.1, 77.8),
    "left to right + BiLSTM": (82.1, 84.1, 75.7, 91.6, 84.9),
}
OBJECTIVE_TASKS = ("MNLI", "QNLI", "MRPC", "SST-2", "SQuAD 1.1")

# Devlin et al. 2018, table 6: layers, width, heads; perplexity of masked words; dev MNLI-m, MRPC, SST-2.
MODEL_SIZES = [
    (3, 768, 12, 5.84, 77.9, 79.8, 88.4),
    (6, 768, 3, 5.24, 80.6, 82.2, 90.7),
    (6, 768, 12, 4.68, 81.9, 84.8, 91.3),
    (12, 768, 12, 3.99, 84.4, 86.7, 92.9),
    (12, 1024, 16, 3.54, 85.7, 86.9, 93.3),
    (24, 1024, 16, 3.23, 86.6, 87.8, 93.7),
]

# Liu et al. 2019 (RoBERTa), table 2: SQuAD 1.1 and 2.0 (F1), MNLI-m, SST-2 (accuracy), by input format.
SENTENCE_FORMATS = [
    ("segment pair, with NSP", 90.4, 78.7, 84.0, 92.9),
    ("sentence pair, with NSP", 88.7, 76.2, 82.9, 92.1),
    ("full sentences, no NSP", 90.4, 79.1, 84.7, 92.5),
    ("sentences of one document, no NSP", 90.6, 79.7, 84.7, 92.7),
]

# Lan et al. 2019 (ALBERT), table 5: accuracy of MLM, NSP and SOP, then the mean of the downstream tasks.
SENTENCE_OBJECTIVES = {
    "none": (54.9, 52.4, 53.3, 79.0),
    "nsp": (54.5, 90.5, 52.0, 79.2),
    "sop": (54.0, 78.9, 86.5, 80.1),
}

# Sun et al. 2019, table 2: test error on IMDB (%), by which part of a long text is kept.
IMDB_TEST_ERROR = {"first 510 tokens": 5.63, "last 510 tokens": 5.44, "first 128 and last 382": 5.42}
IMDB_FEATURES_ERROR = 6.79  # Sun et al. 2019: BERT as a fixed feature extractor

SST2_TEST_ACCURACY = {"BERT-base": 93.5, "BERT-large": 94.9}  # Devlin et al. 2018, table 1 (%)

# Exact match and F1 (%): Devlin et al. 2018, table 2 (SQuAD 1.1) and table 3 (SQuAD 2.0).
SQUAD_1 = {
    "human, test": (82.3, 91.2), "BERT-base, dev": (80.8, 88.5), "BERT-large, dev": (84.1, 90.9),
}  # fmt: skip
SQUAD_2 = {"BERT-large, dev": (78.7, 81.9), "BERT-large, test": (80.0, 83.1)}

# What was changed, from what to what, what it did, and where it is reported.
PRETRAINING_INFLUENCES = [
    ("direction", "both sides → left to right", "SQuAD 1.1 F1 87.9 → 77.8", "Devlin et al. 2018, table 5"),
    ("sentence task", "with NSP → without", "QNLI 88.4 → 84.9", "Devlin et al. 2018, table 5"),
    ("depth", "3 layers → 12", "MNLI 77.9 → 84.4", "Devlin et al. 2018, table 6"),
    ("updates", "500,000 → 1,000,000", "MNLI almost 1.0 higher", "Devlin et al. 2018, appendix C.1"),
    ("corruption", "80/10/10 → [MASK] only", "NER by features 94.9 → 94.0", "Devlin et al. 2018, table 8"),
    ("segments", "spans of sentences → single sentences", "SQuAD 1.1 F1 90.4 → 88.7", "Liu et al. 2019, table 2"),
    ("batch", "256 pairs → 2,000, same cost", "MNLI 84.7 → 85.2", "Liu et al. 2019, table 3"),
    ("text", "16 GB → 160 GB", "MNLI 89.0 → 89.3", "Liu et al. 2019, table 4"),
    ("domain", "then 100,000 steps on the task's own text", "IMDB error 5.40 → 4.37", "Sun et al. 2019"),
]  # fmt: skip

# Name, size as its source counts it, models that were pre-trained on it, source.
PRETRAINING_CORPORA = [
    ("English Wikipedia, running text only", "2,500M words", "BERT", "Devlin et al. 2018, section 3.1"),
    ("BooksCorpus", "800M words", "BERT, GPT", "Devlin et al. 2018, section 3.1"),
    ("1 Billion Word Benchmark, shuffled sentences", "0.8 billion words", "ELMo; BERT needs whole documents", "Chelba et al. 2013"),
    ("CC-News", "76 GB, 63 million articles", "RoBERTa", "Liu et al. 2019, section 3.2"),
    ("OpenWebText", "38 GB", "RoBERTa", "Liu et al. 2019, section 3.2"),
    ("Stories", "31 GB", "RoBERTa", "Liu et al. 2019, section 3.2"),
    ("C4", "about 750 GB", "T5", "Raffel et al. 2020, section 2.2"),
    ("The Pile", "825 GiB", "GPT-NeoX and others", "Gao et al. 2020"),
    ("PubMed abstracts, full-text articles", "4.5 and 13.5 billion words", "BioBERT", "Lee et al. 2020, table 1"),
    ("Chinese Wikipedia, and more", "0.4 and 5.4 billion words", "BERT-wwm, BERT-wwm-ext", "Cui et al. 2019"),
]  # fmt: skip

# Devlin et al. 2018, table 7: CoNLL-2003 named entities, F1 on dev and test (%); None where not reported.
CONLL2003_F1 = {
    "ELMo (Peters et al. 2018)": (95.7, 92.2),
    "CVT (Clark et al. 2018)": (None, 92.6),
    "CSE (Akbik et al. 2018)": (None, 93.1),
    "BERT-large, fine-tuned": (96.6, 92.8),
    "BERT-base, fine-tuned": (96.4, 92.4),
}

# Tjong Kim Sang and De Meulder 2003, table 5: English test F1 (%) of a list of the names with one class in training.
CONLL2003_BASELINE_F1 = 59.61

# Devlin et al. 2018, table 7: BERT-base as a fixed feature extractor below a BiLSTM, dev F1 (%).
CONLL2003_FEATURES_F1 = {
    "embeddings": 91.0, "second-to-last hidden": 95.6, "last hidden": 94.9, "weighted sum of last four": 95.9,
    "concat of last four": 96.1, "weighted sum of all": 95.5,
}  # fmt: skip

# Devlin et al. 2018, appendix A.3: the values that were tried for each task, all of them exhaustively.
FINE_TUNING_GRID = {
    "batch size": (16, 32), "learning rate": (5e-5, 3e-5, 2e-5), "epochs": (2, 3, 4),
}  # fmt: skip

# Bergstra and Bengio 2012, abstract: random search over 32 parameters of deep belief networks against
# experts who combined manual and grid search; on how many of the data sets it was equal, and better.
RANDOM_SEARCH = {"parameters": 32, "data sets": 7, "statistically equal": 4, "better": 1}

# Devlin et al. 2018, table 1, test sets (%): MNLI matched and mismatched and QNLI are accuracies, QQP and MRPC F1,
# STS-B is Spearman's correlation times 100.
GLUE_TEST = {
    "MNLI, matched": {"BERT-base": 84.6, "BERT-large": 86.7},
    "MNLI, mismatched": {"BERT-base": 83.4, "BERT-large": 85.9},
    "QNLI": {"BERT-base": 90.5, "BERT-large": 92.7},
    "MRPC": {"BERT-base": 88.9, "BERT-large": 89.3},
    "STS-B": {"BERT-base": 85.8, "BERT-large": 86.5},
    "RTE": {"BERT-base": 66.4, "BERT-large": 70.1},
}

# Devlin et al. 2018, table 4: accuracy (%) on SWAG's dev and test parts; None where the table has no number.
SWAG_ACCURACY = {
    "ESIM + GloVe": (51.9, 52.7),
    "ESIM + ELMo": (59.1, 59.2),
    "BERT-base": (81.6, None),
    "BERT-large": (86.6, 86.3),
    "human (expert)": (None, 85.0),
}

# Sun et al. 2019, table 2: test error (%) on IMDB of BERT-base by the 510 pieces that it reads.
IMDB_TRUNCATION_ERROR = {"head": 5.63, "tail": 5.44, "head+tail": 5.42}

# Wei and Zou 2019, section 3.1: what EDA adds to the accuracy (points), on average over five data sets and two networks
# that weren't pre-trained, by number of training rows.
EDA_GAIN = {"500 rows": 3.0, "all rows": 0.8}

# Year, what appeared, what it added to the question "what does a word mean here?", the context that a word's
# representation uses, and the source.
TIMELINE = [
    (1948, "n-gram models", "the next word from counts of the last few", "the last few words", "Shannon 1948, section 3"),
    (1949, "Weaver's memorandum", "a window of words on both sides tells the meaning", "a window", "Weaver 1949"),
    (1954, "distributional hypothesis", "words that occur alike mean alike", "a window", "Harris 1954; Firth 1957"),
    (1980, "interpolated n-grams", "what wasn't seen isn't impossible", "the last few words", "Jelinek and Mercer 1980"),
    (1990, "latent semantic analysis", "vectors for words, from counts", "one vector a word", "Deerwester et al. 1990"),
    (2003, "neural language model", "vectors learned by guessing the next word", "the last few words", "Bengio et al. 2003"),
    (2013, "word2vec", "such vectors from billions of words", "one vector a word", "Mikolov et al. 2013"),
    (2015, "attention", "a weighted look at all words", "both sides", "Bahdanau et al. 2015"),
    (2017, "Transformer", "attention alone, no recurrence", "both sides", "Vaswani et al. 2017"),
    (2018, "ELMo", "a vector for each occurrence, from two one-way readers", "two one-way readings", "Peters et al. 2018"),
    (2018, "GPT", "a pre-trained Transformer, fine-tuned whole", "everything before", "Radford et al. 2018"),
    (2018, "BERT", "both sides in every layer, by masking", "both sides", "Devlin et al. 2018"),
    (2019, "RoBERTa", "the same, trained longer on more", "both sides", "Liu et al. 2019"),
    (2020, "GPT-3", "left to right, a thousand times the size of GPT", "everything before", "Brown et al. 2020"),
    (2024, "ModernBERT", "an encoder again, with what was learned since", "both sides", "Warner et al. 2024"),
]  # fmt: skip

# Kaplan et al. 2020, equations 1.1 to 1.3: the loss of left-to-right models falls as a power of each.
SCALING_EXPONENTS = {"parameters": 0.076, "tokens of text": 0.095, "computation": 0.050}
