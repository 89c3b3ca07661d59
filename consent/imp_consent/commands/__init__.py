"""The commands of consent, audit and intake: thin words around functions that take a `Context`."""
