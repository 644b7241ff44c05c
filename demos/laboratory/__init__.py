"""What the lessons share: the experiments of 1986, and their charts and diagrams."""
