"""Which files belong together, and where on one clock each of them is; reads no pixels (docs/formats/sessions.md)."""
