"""Slide decks: ``slides/NN_name.md`` becomes one HTML file, a PDF and a PPTX.

A deck holds words. Everything else is what the lesson's notebook stored when it was last executed: its figures,
tables, code and printed outputs, each named by words of its cell; numbers come from there or from recordings.
Nothing of that is ever copied or computed again, so a deck says what its notebook says: what cannot be had stops
the build.

=================================================  =================================================
in the deck                                        on the slide
=================================================  =================================================
```figure_04_strategy`{.figure}``                  the picture that the cell with these words showed
```table_03_parameters`{.table}``                  the table that it showed
```mask_one`{.code}``                              a function of the notebook or the library, or a cell
```print(fill("{.output}``                         what the cell with these words printed
```def wrong_loss`{.demo}``                        where to find that cell: notebook, section, number
```shares = [`{.value after="random:"}``           a number that the cell printed behind these words
```table_11`{.value row="majority" column="F1"}``  a number in the table that the cell showed
```record:mlm-head/minutes`{.value}``              a number of a recording
```published:IMDB_FEATURES_ERROR`{.value}``        a number of ``course_lib.studies.published``
```objectives`{.notebook}``                        a part of the notebook's text (``promise``, ...)
=================================================  =================================================
"""
