"""Publications: signed folders of files about a wave, and how anybody checks them."""
