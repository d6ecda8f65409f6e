"""What a respondent may ask of us, and what we keep of a person no longer than needed.

Codes and withdrawal, telephone numbers for back-checks, what open text may show, deletion by
schedule (docs/privacy.md).
"""
