"""The query grammar: text to a tree, and a tree to a condition in SQL."""
