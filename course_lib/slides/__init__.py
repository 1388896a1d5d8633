"""Slide decks: ``slides/NN_name.md`` becomes one HTML file, a PDF and a PPTX.

A deck holds words. Its figures and tables come from ``lesson_NN`` in this package, which calls the
functions of ``course_lib.figures`` that the notebook calls; its code and printed outputs come from the
notebook itself, its results from recordings or computations. Nothing of that is ever copied, so a deck
cannot grow stale: what cannot be had stops the build. A deck with ``replay: now`` runs its notebook once
more, which suits notebooks of a few seconds: then a figure or table is named by the function that the
notebook calls, and a number is an expression over the notebook's variables. With ``replay: kept`` figures and
tables are drawn from the numbers that ``course slides --keep NN`` kept when it ran the notebook.

==========================================  ========================================================
in the deck                                 on the slide
==========================================  ========================================================
```figure_04_strategy`{.figure}``           the picture that this function of ``lesson_NN`` returns
```table_03_parameters`{.table}``           the table that this function returns
```mask_one`{.code}``                       a function of the notebook, of ``lesson_NN`` or the library
```print(fill("{.output}``                  what the cell with these words printed when it was executed
```def wrong_loss`{.demo}``                 where to find that cell: notebook, section, number
```recorded_accuracy`{.value format=.1%}``  a number that this function returns
```record:mlm-head/minutes`{.value}``       a number of a recording
```published:IMDB_FEATURES_ERROR`{.value}`` a number of ``course_lib.studies.published``
```objectives`{.notebook}``                 a part of the notebook's text (``promise``, ``references``, ...)
==========================================  ========================================================
"""
