"""What goes out: cards, briefs, official reports and tables, in Word, Excel and HTML that prints on A4."""
