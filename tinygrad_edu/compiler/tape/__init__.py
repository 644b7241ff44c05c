"""The tape: a graph as a list of instructions, and its simplest readers."""
