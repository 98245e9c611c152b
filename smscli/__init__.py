"""smscli sends text messages through vendors whose HTTP APIs want hand-made signatures, and shows those signatures."""

__version__ = "0.1.0"
