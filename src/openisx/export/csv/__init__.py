"""Tables as text: one module per table."""
