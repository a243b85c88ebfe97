"""The paths of categories: their names from the top down, as they are written and as they are compared."""

PATH_SEPARATOR = " > "


def category_form(name: str) -> str:
    """Return the form in which the names and paths of categories are compared: no case, single spaces."""
    return " ".join(name.casefold().split())


def last_name(path: str) -> str:
    """Return the category's own name."""
    return path.rpartition(PATH_SEPARATOR)[2]


def paths_to(path: str) -> list[str]:
    """List the paths above a path, from the top, and itself."""
    names = path.split(PATH_SEPARATOR)
    return [PATH_SEPARATOR.join(names[: depth + 1]) for depth in range(len(names))]


def names_of(path: str) -> list[str]:
    """List what a filter may call a category: each path to it, and each name in it."""
    return [*paths_to(path), *path.split(PATH_SEPARATOR)]
