"""What an amount of evidence is good for, in words that are true of the way it was computed.

A way out of a HOLD plans for one signal: an interval that rules out harm, in so many of cases, if there is none. Only
the next best evidence (``reconcile.collecting``) asks the whole policy, from where the estimates stand, and says that
something settles the call.
"""

from __future__ import annotations

from dataclasses import dataclass

from signals.model import Reading, Signal
from signals.policy.wording import the_margin


@dataclass(frozen=True)
class Promise:
    """What so many more are good for.

    Attributes:
        why: As a reason.
        then: What they ``would`` do, after the clause that claims what cannot be ruled out yet (``Need.then``).
    """

    why: str
    then: str


def if_zero(signal: Signal, reading: Reading) -> Promise:
    """Of an amount that leaves the margin with 80 % power, in the words of ``wording.claim``."""
    loss = (reading.benefit.low or 0.0) <= -(reading.margin or 0.0)
    beyond = f"a {'loss' if loss else 'gain'} beyond {the_margin(signal, reading)}"
    return Promise(
        f"if the true effect is zero, that rules out {beyond} in 80 % of cases",
        f"would rule {'it' if loss else 'the gain'} out, in 80 % of cases, if there is none",
    )


def as_it_stands(signal: Signal, reading: Reading, *, zero: bool) -> Promise:
    """Of an amount at which, if today's estimate is true, the interval leaves ``zero`` or else the margin behind."""
    what, given = "zero" if zero else the_margin(signal, reading), "if the true effect is today's estimate"
    return Promise(f"{given}, that clears {what} in 80 % of cases", f"would clear {what} in 80 % of cases, {given}")
