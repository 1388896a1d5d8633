"""What CI and maintainers call: validation of notebooks, checks of the data, the generated pages."""
