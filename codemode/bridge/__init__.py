"""What lets programs without trio use the host: its trio run in a thread of its own, their tools where they live."""
