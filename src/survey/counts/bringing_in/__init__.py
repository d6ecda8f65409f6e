"""Files of counts that nobody here made: their layout is recognised or mapped, then checked.

`read_count_file` takes a file and a mapping to the check of counts; nothing here stores a count.
"""
