"""Schedules that come with the code, by name: the first dispatcher creates them, and then they are the staff's."""

SCHEDULES = {
    "resync-sellers": {"task": "resync-sellers", "crontab": "*/5 * * * *"},
    "sweep-scraping-results": {"task": "sweep-scraping-results", "crontab": "17 * * * *"},
    "refresh-directory": {"task": "refresh-directory", "crontab": "47 * * * *"},
    "refresh-vocabulary": {"task": "refresh-vocabulary", "crontab": "* * * * *"},
    "sweep-search-counts": {"task": "sweep-search-counts", "crontab": "37 * * * *"},
    "reconcile-index": {"task": "reconcile-index", "crontab": "37 3 * * *"},
    "sweep-search-indexes": {"task": "sweep-search-indexes", "crontab": "47 * * * *"},
    "sweep-photo-sets": {"task": "sweep-photo-sets", "crontab": "27 * * * *"},
    "send-digests": {"task": "send-digests", "crontab": "7 * * * *"},
    "sweep-notifications": {"task": "sweep-notifications", "crontab": "27 4 * * *"},
    "sweep-history": {"task": "sweep-history", "crontab": "37 4 * * *"},
    "sweep-generations": {"task": "sweep-generations", "crontab": "47 4 * * *"},
    "review-again": {"task": "review-again", "crontab": "*/10 * * * *"},
}
