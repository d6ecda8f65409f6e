"""Reports as documents: contents from published figures, sentences by rules, files by format."""
