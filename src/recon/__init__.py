"""recon: why did the personal account (个人账户) of the employee medical insurance not grow, to the fen.

The Python doors are ``recon.batch.run_folder`` (a folder in, tables and a report out) and
``recon.core.reconcile.reconcile`` (tables in, tables out). Importing this package loads nothing heavy.
"""

__version__ = "0.1.0"
