"""One module a command: its options, its help and what it says; each is loaded when it is called (:mod:`recon.cli`)."""
