"""One reader per official format.

===============  =============================================  ============================================
``read_...``     format                                         columns
===============  =============================================  ============================================
squad            SQuAD 1.1 and 2.0, JSON                        id, title, context, question, answers,
                                                                is_impossible, plausible_answers
cmrc             CMRC 2018, JSON                                those of SQuAD
conll            CoNLL-2003, columns                            document, tokens, tags
imdb_folder      aclImdb, folders                               text, label, rating, id
reviews          the course's reviews, JSON Lines               text, label, title, genre, kind, words
frames           sentence frames, CSV                           id, style, text, sentiment, fillers
people           what fills the frames, CSV                     text, group_type, group, kind, gender, source,
                                                                checked, pieces
senses           the course's words in senses, JSON Lines       id, word, form, start, sense, sense_id, sentence
glue             GLUE, tab-separated                            sentence or sentence1, sentence2; label, idx
swag             SWAG, CSV                                      sent1, sent2, endings, label
candidates       the course's contexts, JSON Lines              id, sent1, sent2, right, candidates
plain_text       a sentence a line; a file or a folder          title, sentences
beir             BEIR, a folder                                 dicts: corpus, queries, qrels, splits, answers
===============  =============================================  ============================================

A reader gives every record of a file or raises `course_lib.errors.DataFileError`, which names file, line or
field, problem and remedy; it drops nothing silently.
"""

from course_lib.data.readers.beir import read_beir
from course_lib.data.readers.cmrc import read_cmrc
from course_lib.data.readers.conll import read_conll
from course_lib.data.readers.frames import read_frames, read_people
from course_lib.data.readers.glue import read_glue
from course_lib.data.readers.imdb_folder import read_imdb_folder
from course_lib.data.readers.plain_text import read_plain_text
from course_lib.data.readers.reviews import read_reviews
from course_lib.data.readers.senses import read_senses
from course_lib.data.readers.squad import read_squad
from course_lib.data.readers.swag import read_candidates, read_swag

__all__ = [
    "read_beir",
    "read_candidates",
    "read_cmrc",
    "read_conll",
    "read_frames",
    "read_glue",
    "read_imdb_folder",
    "read_people",
    "read_plain_text",
    "read_reviews",
    "read_senses",
    "read_squad",
    "read_swag",
]
