"""What a seller can do about each reason for which a catalog could not be read."""

from jobs.errors import JobError

ANY = "Open the address in a browser that is not logged in; when it shows your products there, try again."

_LET_THROUGH = "Let SoukBot through your site's firewall or bot protection, or upload a product feed."
_WELL_AGAIN = "See that your site is up and lets SoukBot through; it is asked again by and by."

REMEDIES = {
    "catalog.unsupported_address": (
        "Give the address of your shop's front page, of one of its category pages, or of a product feed."
    ),
    "catalog.not_public": (
        "Make the catalog visible without logging in, upload a product feed, or send the links of your products."
    ),
    "catalog.robots_forbid": (
        "Allow SoukBot in your site's robots.txt, or upload a product feed: what robots.txt forbids is not read."
    ),
    "catalog.robots_unavailable": "See that /robots.txt of your site answers with 200 or 404, then try again.",
    "catalog.page_not_found": "Check the address: the site says that there is no such page.",
    "catalog.page_malformed": (
        "Give the address of a product's own page; to name the product for machines, add schema.org markup to it."
    ),
    "catalog.request_refused": _LET_THROUGH,
    "catalog.site_blocks": _LET_THROUGH,
    "catalog.domain_refuses": _LET_THROUGH,
    "catalog.domain_resting": _WELL_AGAIN,
    "catalog.login_required": "Show the page to those who are not logged in, or upload a product feed.",
    "catalog.too_many_requests": "Your site asked us to slow down; try again in some minutes.",
    "catalog.too_many_redirects": "Give the address that the site ends up at: this one redirects without end.",
    "catalog.reply_too_large": "Give the address of a smaller page, such as one category.",
    "catalog.site_failing": "Your site answers with an error of its own; try again when it is well.",
    "catalog.site_unreachable": "See that your site is up and that its certificate is valid, then try again.",
    "catalog.site_timeout": "Your site was slow to answer; try again, or give a page that loads faster.",
    "catalog.host_unknown": "Check the spelling of the address: there is no site of that name.",
    "catalog.address_refused": "Give a public http or https address, without a user name and password.",
    "catalog.list_incomplete": "The list did not load to its end; try again in some minutes.",
    "catalog.search_not_found": "Give the address of a page that has a search field, or search by a category instead.",
}


def told_problem(error: JobError) -> dict[str, str]:
    """Return why something could not be read, and what can be done about it, as JSON."""
    return {"code": error.code, "message": str(error), "remedy": remedy_for(error.code)}


def remedy_for(code: str) -> str:
    """Return what a seller can do about an error of this code."""
    return REMEDIES.get(code, ANY)
