"""Tables that people hand in: checked for safety, then read into columns of text.

`read_table` takes a CSV file or a workbook of answers, `read_text_table` counts of a million rows.
Every limit and every refusal of a file as a whole is here.
"""
