"""Operations: one row of a table each, with everything derived from its value and its rules."""
