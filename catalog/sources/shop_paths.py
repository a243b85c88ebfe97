"""Where the lists of a shop stand in its categories."""

from catalog.addresses import canonical_address
from catalog.site.lists import ShopList, SubCategory, page_number
from catalog.sources.source import CategoryPath, CategoryStep


def own_paths(shown: ShopList, address: str) -> tuple[CategoryPath, ...]:
    """Return where a list stands by its own breadcrumbs, or by its heading; the front page stands nowhere."""
    if canonical_address("/", base=address) == canonical_address(address) or page_number(address) > 1:
        return ()
    crumbs = list(shown.crumbs)
    if not crumbs or (shown.heading and crumbs[-1].name != shown.heading):
        crumbs = [*crumbs, SubCategory(shown.heading, "")] if shown.heading else crumbs
    if not crumbs:
        return ()
    own = canonical_address(address)
    steps = [CategoryStep(crumb.name, crumb.address) for crumb in crumbs[:-1]]
    return ((*steps, CategoryStep(crumbs[-1].name, own)),)


def paths_below(paths: tuple[CategoryPath, ...], category: SubCategory) -> tuple[CategoryPath, ...]:
    """Return the paths to a category below these; none that comes back to where it was."""
    step = CategoryStep(category.name, category.address)
    above = paths or ((),)
    return tuple((*path, step) for path in above if all(known.address != step.address for known in path))
