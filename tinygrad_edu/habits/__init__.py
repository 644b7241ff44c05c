"""Names from other libraries: each works here, or its error says what to write here."""
