"""The tape as machine code, in three rooms: `lower`, `machine` (on `arithmetic`), `binding`."""
