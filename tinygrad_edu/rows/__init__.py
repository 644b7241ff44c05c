"""What an operation is: one row of a table, and what follows from its value and its rules."""
