"""What people type at the shell: expressions, scripts, options, and what they may have meant."""
