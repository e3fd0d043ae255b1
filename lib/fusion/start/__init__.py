"""From files to the first study of them: what each column is, and a study's file with an adapter beside it."""
