"""Names of the files of figures, as the figures are written and as the report reads them."""

LIST = "figures.json"  # beside the figures: section, texts and scale of each, by its name


def numbered(name: str, number: int) -> str:
    """Name of one of several drawings of a figure, by its number from 1."""
    return f"{name}_{number}"
