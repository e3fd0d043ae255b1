"""The language of columns, rows and samples in a study's file, and nothing else that a file may compute.

reading : from a text to a tree, by ``grammar.lark`` and limits
functions : what there is
checking : types, held against the columns
building : trees become table expressions
columns : a study's columns, rules for rows and samples
"""
