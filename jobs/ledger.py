"""Accept work: rows of the ledger, written in the caller's own transaction."""
