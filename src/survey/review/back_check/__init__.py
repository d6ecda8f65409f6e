"""Back-checks: interviews drawn at random and by risk are verified by a short second one.

Everything is cut to the reader's area inside the queries; a city outside it reads as empty.
"""
