"""How right the product is: what it said of recordings beside what the wearer really held.

The one place, with the fit of models, that reads truth.csv; nothing that analyses imports it.
"""
