"""Coverage cells of judge readings: paired differences, reweighted to traffic, corrected by people."""

from __future__ import annotations

from benchmarks.cells import Cell
from benchmarks.cells.judge_worlds import (
    BY_KIND,
    ORDINAL_TRUTH,
    bias,
    binary,
    by_raters,
    by_segment,
    clustered,
    continuous,
    correct,
    discordant,
    few_losses,
    giant,
    in_clusters,
    normal,
    ordinal,
    plain,
    raked,
    rare,
    skewed,
    stratified,
    unequal,
)

TWENTY = (4, 6, 3, 12, 30, 8, 25, 10, 5, 40, 18, 9, 22, 7, 15, 6, 28, 11, 14, 9)
SHARES = (8, 2, 3, 9, 4, 5, 3, 7, 2, 9, 6, 3, 8, 4, 5, 1, 9, 4, 5, 3)
RAW, FAIR, WEIGHTED = "judge, raw, clusters", "judge, raw", "judge, reweighted"
CORRECTED, RATES, ERROR = "judge, corrected", "judge, corrected (Rogan-Gladen)", "judge, bias"

CELLS: tuple[Cell, ...] = (
    *(Cell(RAW, f"{groups} unequal clusters, ICC .2", clustered(groups, unequal)) for groups in (5, 10, 30, 100)),
    Cell(RAW, "30 clusters, one holds half of the items", clustered(30, giant)),
    *(Cell(FAIR, f"{n} items, normal", plain(n, normal, 0.1)) for n in (10, 30, 100, 400)),
    *(Cell(FAIR, f"{n} items, exponential", plain(n, skewed, 0.3)) for n in (30, 100, 400)),
    *(Cell(FAIR, f"{n} items, one in ten gets worse", plain(n, few_losses, -0.05)) for n in (30, 100, 400)),
    *(Cell(FAIR, f"{n} items, grades 1 to 5", plain(n, ordinal, ORDINAL_TRUTH)) for n in (30, 100)),
    *(
        Cell(FAIR, f"{n} items, pass/fail, {100 * share:g} % change", discordant(n, share))
        for n in (20, 100, 1000)
        for share in (0.005, 0.05, 0.3)
    ),
    Cell(FAIR, "100 items, pass/fail, 30 % change, nearly all for the better", discordant(100, 0.3, 0.9)),
    Cell(WEIGHTED, "3 segments of 40, 100 and 60 items", stratified((40, 100, 60), (0.6, 0.1, 0.3), normal, 0.1)),
    Cell(WEIGHTED, "3 segments, one of 2 items with 10 % of traffic",
         stratified((40, 100, 2), (0.5, 0.4, 0.1), normal, 0.1)),
    Cell(WEIGHTED, "3 segments, one of 2 items with 40 % of traffic",
         stratified((40, 100, 2), (0.3, 0.3, 0.4), normal, 0.1)),
    Cell(WEIGHTED, "3 segments, one of 1 item", stratified((40, 100, 1), (0.5, 0.4, 0.1), normal, 0.1)),
    Cell(WEIGHTED, "20 segments of 3 to 40 items", stratified(TWENTY, SHARES, normal, 0.1)),
    Cell(WEIGHTED, "20 segments of 5 items", stratified((5,) * 20, SHARES, normal, 0.1)),
    Cell(WEIGHTED, "3 segments, exponential", stratified((40, 100, 60), (0.6, 0.1, 0.3), skewed, 0.3)),
    Cell(WEIGHTED, "3 segments, pass/fail, 10 % change",
         stratified((40, 100, 60), (0.3, 0.4, 0.3), rare, 0.02, step=0.0)),
    Cell(WEIGHTED, "20 segments of 10 items, pass/fail, 10 % change",
         stratified((10,) * 20, SHARES, rare, 0.02, step=0.0)),
    *(Cell(WEIGHTED, f"{n} items raked to two margins", raked(n)) for n in (60, 200)),
    *(Cell(WEIGHTED, f"200 items in {groups} clusters raked to two margins", raked(200, groups))
      for groups in (15, 50)),
    *(
        Cell(CORRECTED, f"{n} labels of 400, good judge", correct(continuous(n, 400 - n, 0.8, 0.1)))
        for n in (30, 50, 120, 400)
    ),
    Cell(CORRECTED, "50 labels of 400, bad judge", correct(continuous(50, 350, 0.3, 0.4))),
    *(
        Cell(CORRECTED, f"{n} labels of 400, pass/fail, TPR .9, TNR .8",
             correct(binary(n, 400 - n, (0.6, 0.7), (0.9, 0.8))))
        for n in (50, 120)
    ),
    Cell(CORRECTED, "200 labels of 400, pass/fail, TPR .7, TNR .65",
         correct(binary(200, 200, (0.5, 0.6), (0.7, 0.65)))),
    Cell(CORRECTED, "120 labels of 400, judge errs otherwise on the candidate",
         correct(binary(120, 280, (0.5, 0.6), (0.9, 0.8), candidate=(0.95, 0.6)))),
    Cell(CORRECTED, "100 labels of 400, pass rate 95 %", correct(binary(100, 300, (0.95, 0.95), (0.95, 0.6)))),
    Cell(CORRECTED, "100 labels of 400, pass rate 95 v 98 %", correct(binary(100, 300, (0.95, 0.98), (0.95, 0.6)))),
    Cell(CORRECTED, "120 labels of 400, judge errs by segment", correct(by_segment(120, 280), BY_KIND)),
    Cell(CORRECTED, "60 labels of 400, judge errs by segment", correct(by_segment(60, 340), BY_KIND)),
    Cell(CORRECTED, "400 items in 50 clusters, 30 % labelled", correct(in_clusters(50, 8, 0.3))),
    Cell(CORRECTED, "200 items in 8 clusters, 40 % labelled", correct(in_clusters(8, 25, 0.4))),
    Cell(RATES, "100 labels of 400 with other pass rates",
         correct(binary(100, 300, (0.25, 0.75), (0.9, 0.8), others=(0.7, 0.7)))),
    Cell(RATES, "200 labels of 400 with other pass rates, judge errs otherwise on the candidate",
         correct(binary(200, 200, (0.25, 0.75), (0.9, 0.8), others=(0.7, 0.7), candidate=(0.8, 0.9)))),
    *(
        Cell(CORRECTED, f"120 labels of 400 by {each} of {raters} raters who differ",
             correct(by_raters(120, 280, raters, each, 0.1)))
        for raters, each in ((4, 4), (15, 15), (15, 3), (40, 3))
    ),
    Cell(ERROR, "50 labels, graded", bias(continuous(50, 0, 0.8, 0.1), 0.08)),
    Cell(ERROR, "120 labels, pass/fail, errs otherwise on the candidate",
         bias(binary(120, 0, (0.5, 0.6), (0.9, 0.8), candidate=(0.95, 0.6)), 0.4 * 0.4 + 0.6 * 0.95 - 0.55 - 0.1)),
)  # fmt: skip
