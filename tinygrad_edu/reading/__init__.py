"""Reads input from the shell: expressions, scripts, options; and finds likely typing mistakes."""
