"""Transports: one method that moves one HTTP exchange, and wrappers that compose: retry → tape → auth → http."""
