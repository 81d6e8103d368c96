"""Reading: files in, canonical rows and problems out."""
