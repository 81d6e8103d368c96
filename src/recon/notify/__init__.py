"""Telling people that a run is over: counts and states, through the channels a firm has.

Why through apprise and why only counts: docs/adr/0026-notifications-through-apprise.md.
"""
