"""What notebooks show: tables, figures, words."""
