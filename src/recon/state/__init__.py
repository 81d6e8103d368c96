"""What recon remembers between runs: gaps and their ages, decisions, runs, rows already read, what is still to be sent.

Everything lies in one folder that its owner alone may read. A run changes it in one transaction at its end, so that a
run that is killed leaves it as it was (docs/adr/0024-state-is-one-sqlite-file.md).
"""
