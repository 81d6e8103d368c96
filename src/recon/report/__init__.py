"""The workbook and the short texts: result tables in, words and cells out; nothing is decided here."""
