"""What leaves the house: the site, files for readers, packages, disclosure control."""
