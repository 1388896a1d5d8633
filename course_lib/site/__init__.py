"""The website: ``course site`` turns committed notebooks, decks, glossary and ``docs/`` into pages that need no network.

Nothing is executed. ``sources`` copies what the pages are made of into one folder and adds what the site knows, such
as hints below an exercise; Sphinx makes HTML of it; ``inspection`` then reads every page and says what is wrong.
"""
