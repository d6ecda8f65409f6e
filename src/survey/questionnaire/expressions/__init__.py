"""XLSForm expressions in the subset of docs/expressions.md.

`parse` reads, `evaluate` computes in Python, `to_json` is what `web/static/expressions.js`
computes from.
"""
