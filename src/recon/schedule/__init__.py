"""When a run is due, and how the system's own scheduler is told (docs/adr/0025-started-daily-run-monthly.md)."""
