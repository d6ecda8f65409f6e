"""How answers arrive: link, paper, import, photos; and how they are corrected or withdrawn."""
