"""Comparative tests of products: samples, laboratory results, and grades that can be recomputed.

They stand beside the score and never enter it.
"""
