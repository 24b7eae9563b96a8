"""Upper bounds of Clopper and Pearson by scipy. Needs scipy 1.17; prints bounds.csv.

    python rates/tests/data/bounds/bounds.py > rates/tests/data/bounds/bounds.csv
"""

from scipy.stats import beta

print("events,trials,confidence,upper")
for trials in (1, 2, 10, 40, 300, 1800, 38000, 171842, 1000000):
    for events in (0, 1, 3, 12, 250, 20000):
        if events < trials:
            for confidence in (0.95, 0.99):
                print(f"{events},{trials},{confidence},{beta.ppf(confidence, events + 1, trials - events):.15g}")
