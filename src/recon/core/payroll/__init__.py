"""Payslip ↔ declaration ↔ arrival ↔ bank ↔ credit: the legs an employer can prove, and where they differ (DESIGN 7)."""
