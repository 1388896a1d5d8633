"""Labeled texts as people have them: tables, folders of files, and exports of annotation tools."""
