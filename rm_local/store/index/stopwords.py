"""Common English words: those that a store never searches for as words, unless it gets a list."""

from __future__ import annotations

_WORDS = """
a about after all also am an and another any are as at be because been before being between
both but by can could did do does doing done each either else ever every few for from further
get give given gives go going got had has have having help her here his how however i if in
into is it its itself just know last least less let like make makes many may me might more
most much must my need needs next no nor not now of off on one once only or other our out over
own per please put same say see shall she should show so some such take tell than that the
their them then there these they this those through to too try two under until up upon us use
used uses using very want was way we well were what when where whether which while who whose
why will with within without would you your
answer answers ask asked calculate calculated calculating calculation check compute computed
computes computing determine evaluate example explain express find finding finds first follow
formula general number numbers problem problems procedure question result results second solve
solving something step steps thing things value values work worked works
"""

STOPWORDS = frozenset(_WORDS.split())
