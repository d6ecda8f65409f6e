"""Progress of the fieldwork: interviews by city, state and quota cell, forecasts and alerts.

A handful of grouped queries, each cut to the reader's area; nothing here reads an answer.
"""
