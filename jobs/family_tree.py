"""A job's tree: the jobs that it came of, and those that came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from jobs.models import Job

MAX_NODES = 200
MAX_ANCESTORS = 50

# A child's id is always greater than its parent's, so that both end.
_ANCESTORS = """
WITH RECURSIVE line AS (
    SELECT id, parent_id, 0 AS up FROM jobs_job WHERE id = %s
     UNION ALL
    SELECT elder.id, elder.parent_id, line.up + 1 FROM line JOIN jobs_job elder ON elder.id = line.parent_id
     WHERE elder.id < line.id AND line.up < %s)
SELECT id FROM line WHERE up > 0 ORDER BY up DESC
"""

# Without an order PostgreSQL stops at the limit, whatever the tree's size: near ones first, parents before children.
_DESCENDANTS = """
WITH RECURSIVE tree AS (
    SELECT id, ARRAY[id] AS path FROM jobs_job WHERE id = %s
     UNION ALL
    SELECT child.id, tree.path || child.id FROM tree JOIN jobs_job child ON child.parent_id = tree.id
     WHERE child.id > tree.id)
SELECT path FROM tree LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A job of the tree, `depth` steps below its topmost."""

    job: Job
    depth: int
    is_asked_for: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """The nodes in the order of reading; there may be more than are shown."""

    nodes: Sequence[Node]
    is_cut: bool


def tree_of(job: Job) -> Tree:
    """Find the job's ancestors, and below them the job with all that came of it, up to MAX_NODES."""
    with connection.cursor() as cursor:
        cursor.execute(_ANCESTORS, [job.pk, MAX_ANCESTORS])
        ancestors = [row[0] for row in cursor.fetchall()]
        cursor.execute(_DESCENDANTS, [job.pk, MAX_NODES + 1])
        paths = [row[0] for row in cursor.fetchall()]
    places = [(pk, depth) for depth, pk in enumerate(ancestors)]
    places += [(path[-1], len(ancestors) + len(path) - 1) for path in sorted(paths[:MAX_NODES])]
    jobs = Job.objects.defer("payload", "meta", "result").in_bulk([pk for pk, _ in places])
    nodes = [Node(jobs[pk], depth, pk == job.pk) for pk, depth in places if pk in jobs]
    return Tree(nodes, is_cut=len(paths) > MAX_NODES)
