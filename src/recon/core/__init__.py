"""The pure core: tables and policy in, tables out; no file, no clock, no log."""
