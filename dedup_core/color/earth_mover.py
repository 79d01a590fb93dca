"""The transportation problem: the least cost of turning one small weighted set into another."""

from typing import Final

_NOTHING: Final = 1e-9  # of weights that add up to 1: what rounding leaves of one that was moved


def transport_cost(costs: list[list[float]], supply: list[float], demand: list[float]) -> float:
    """Earth mover's distance: minimal sum of flow times cost over the total flow, both sides scaled to weight 1.

    Exact, by successive shortest paths (Bellman-Ford over the residual graph): for the eight colors of a palette a few
    hundred microseconds, where a general linear program would be a dependency.
    """
    left = [amount / sum(supply) for amount in supply]
    right = [amount / sum(demand) for amount in demand]
    flow = [[0.0] * len(right) for _ in left]
    while max(left) > _NOTHING and max(right) > _NOTHING:
        path = _cheapest_path(costs, flow, left, right)
        amount = min(left[path[0][0]], right[path[-1][1]])
        amount = min([amount, *(flow[i][j] for i, j in path[1::2])])
        for step, (i, j) in enumerate(path):
            flow[i][j] += amount if step % 2 == 0 else -amount
        left[path[0][0]] -= amount
        right[path[-1][1]] -= amount
    return sum(flow[i][j] * costs[i][j] for i in range(len(left)) for j in range(len(right)))


def _cheapest_path(
    costs: list[list[float]], flow: list[list[float]], left: list[float], right: list[float]
) -> list[tuple[int, int]]:
    """Edges (i, j) from a source with supply to a sink with demand; every second edge is taken backwards."""
    infinity = float("inf")
    source_cost = [0.0 if amount > _NOTHING else infinity for amount in left]
    sink_cost, sink_from, source_from = [infinity] * len(right), [-1] * len(right), [-1] * len(left)
    changed = True
    while changed:
        changed = False
        for i, reached in enumerate(source_cost):
            if reached == infinity:
                continue
            for j, cost in enumerate(costs[i]):
                if reached + cost < sink_cost[j] - _NOTHING:
                    sink_cost[j], sink_from[j], changed = reached + cost, i, True
        for i, row in enumerate(flow):
            for j, amount in enumerate(row):
                if amount > _NOTHING and sink_cost[j] - costs[i][j] < source_cost[i] - _NOTHING:
                    source_cost[i], source_from[i], changed = sink_cost[j] - costs[i][j], j, True
    sink = min((j for j, amount in enumerate(right) if amount > _NOTHING), key=lambda j: sink_cost[j])
    path, j = [(sink_from[sink], sink)], sink
    while left[sink_from[j]] <= _NOTHING:
        source = sink_from[j]
        j = source_from[source]
        path[:0] = [(sink_from[j], j), (source, j)]
    return path
