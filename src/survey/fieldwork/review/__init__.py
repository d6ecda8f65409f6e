"""Review: the queue of interviews, one interview in detail, and decisions.

Everything is cut to the reader's area inside the queries; a city outside it reads as empty.
"""
