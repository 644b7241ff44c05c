"""Code that the lessons share: the experiments of 1986, their charts and their diagrams."""
