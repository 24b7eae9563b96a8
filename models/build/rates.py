"""Error rates of an embedder and of a head: pairs, and whole decisions."""

import numpy as np


def normalised(e):
    return e / np.linalg.norm(e, axis=1, keepdims=True)


def pair_scores(e, people):
    """(cosines of genuine pairs, cosines of impostor pairs)."""
    upper = np.triu_indices(len(e), 1)
    cosine = (e @ e.T)[upper]
    same = (people[:, None] == people[None, :])[upper]
    return cosine[same], cosine[~same]


def tar(genuine, impostor, fmr):
    """Share of genuine pairs above the level that `fmr` of the impostor pairs pass."""
    level = np.sort(impostor)[::-1][max(int(fmr * len(impostor)) - 1, 0)]
    return float((genuine > level).mean())


def distances(e):
    """Sum over coordinates of |a_j - b_j| for all pairs."""
    return np.stack([np.abs(e - row).sum(1) for row in e])


def decision_distance(d, frames, templates):
    """Mean over the frames of the mean of the two nearest templates."""
    nearest = np.sort(d[np.ix_(frames, templates)], axis=1)[:, :2]
    return float(nearest.mean())


def decisions(d, people, draws, seed, templates=5, frames=3):
    """Distances of (genuine, impostor) decisions: `draws` of each kind for every ordered pair of people.

    Templates and frames of a genuine decision are different pictures.
    """
    random = np.random.default_rng(seed)
    own = {p: np.flatnonzero(people == p) for p in np.unique(people)}
    own = {p: i for p, i in own.items() if len(i) >= templates + frames}
    genuine, impostor = [], []
    for user, pictures in own.items():
        for other, others in own.items():
            for _ in range(draws if other != user else draws * (len(own) - 1)):
                shuffled = random.permutation(pictures)
                enrolled, rest = shuffled[:templates], shuffled[templates:]
                if other == user:
                    genuine.append(decision_distance(d, rest[:frames], enrolled))
                else:
                    shown = random.choice(others, frames, replace=False)
                    impostor.append(decision_distance(d, shown, enrolled))
    return np.array(genuine), np.array(impostor)


def upper_bound(errors, trials, confidence=0.95):
    """One-sided Clopper-Pearson bound, by bisection on the binomial tail."""
    if errors >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        p = (low + high) / 2
        k = np.arange(errors + 1)
        logs = np.concatenate([[0.0], np.cumsum(np.log((trials - k[:-1]) / (k[:-1] + 1)))])
        tail = np.exp(logs + k * np.log(p) + (trials - k) * np.log1p(-p)).sum()
        low, high = (p, high) if tail > 1 - confidence else (low, p)
    return high
