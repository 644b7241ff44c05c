"""The analysis of graphs: their data, explanations of gradients, and checks of them."""
