"""Formats a comparison: a table, paired differences, and turns in which memory gave no hint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, median

from models.compare.judge import RULES, Verdict
from models.compare.samples import Sample
from models.compare.statistics import compute_paired_difference, pair_verdicts


def format_table_lines(verdicts: Sequence[Verdict], plans: Sequence[str]) -> Iterator[str]:
    """Yield the table: by kind and plan, answers that satisfy each rule, tokens and seconds."""
    head = [*RULES, "all"]
    yield (
        f"{'kind':16}{'plan':10}{'n':>5}"
        + "".join(f"{name:>10}" for name in head)
        + (f"{'tokens':>9}{'seconds':>9}{'median s':>10}")
    )
    for kind in [*dict.fromkeys(verdict.kind for verdict in verdicts), "all kinds"]:
        for plan in plans:
            own = [
                each
                for each in verdicts
                if each.sample.plan == plan and kind in (each.kind, "all kinds")
            ]
            if own:
                yield _format_row(kind, plan, own)


def format_differences(verdicts: Sequence[Verdict], plan: str, baseline: str) -> Iterator[str]:
    """Yield lines with the paired difference by kind, over all questions, and over hinted ones."""
    pairs = pair_verdicts(verdicts, plan, baseline)
    groups = {kind: [p for p in pairs if p[0].kind == kind] for kind in _list_kinds(verdicts)}
    groups["all kinds"] = pairs
    groups["with a hint"] = [pair for pair in pairs if pair[0].sample.hinted]
    yield f"{plan} minus {baseline}, answers that keep all rules, points [95 % interval]"
    for name, group in groups.items():
        found = compute_paired_difference(group)
        if found is None:
            yield f"  {name:14} no pair"
        else:
            yield (
                f"  {name:14} {found.points:+6.1f} [{found.low:+6.1f}, {found.high:+6.1f}]  "
                f"{found.questions} questions, {len(group)} pairs"
            )


def pair_unhinted_samples(
    samples: Sequence[Sample], plan: str, baseline: str
) -> list[tuple[Sample, Sample]]:
    """Return pairs (sample of `plan`, sample of `baseline`) for turns without any hint.

    Both samples of a pair have the same question and seed.
    """
    others = {(s.question, s.seed): s for s in samples if s.plan == baseline}
    return [
        (sample, others[sample.question, sample.seed])
        for sample in samples
        if sample.plan == plan and not sample.hinted and (sample.question, sample.seed) in others
    ]


def has_same_tokens(one: Sample, other: Sample) -> bool:
    """Return whether both samples have the same tokens: one branch, equal in text and length."""
    same_text = one.written == other.written
    return same_text and one.tokens == other.tokens and one.branches == other.branches == 1


def format_silence(samples: Sequence[Sample], plan: str, baseline: str) -> Iterator[str]:
    """Yield lines on turns without a hint: their number, and how many equal the baseline's."""
    pairs = pair_unhinted_samples(samples, plan, baseline)
    asked = sum(sample.plan == plan for sample in samples)
    differing = [one for one, other in pairs if not has_same_tokens(one, other)]
    yield (
        f"{plan} gave no hint in {len(pairs)} of {asked} turns; in {len(pairs) - len(differing)} "
        f"of these its tokens are those of {baseline} at the same seed"
    )
    for one in differing:
        yield f"  differs: {one.question} at seed {one.seed}, {one.branches} branches"


def _list_kinds(verdicts: Sequence[Verdict]) -> list[str]:
    return list(dict.fromkeys(verdict.kind for verdict in verdicts))


def _format_row(kind: str, plan: str, own: Sequence[Verdict]) -> str:
    cells = []
    for rule in RULES:
        kept = [each.kept[rule] for each in own if rule in each.kept]
        cells.append(f"{sum(kept)}/{len(kept)}" if kept else "-")
    cells.append(f"{sum(each.keeps_all_rules for each in own)}/{len(own)}")
    seconds = [each.sample.seconds for each in own]
    return (
        f"{kind:16}{plan:10}{len(own):5}"
        + "".join(f"{cell:>10}" for cell in cells)
        + f"{fmean(each.sample.tokens for each in own):9.0f}"
        + f"{fmean(seconds):9.2f}{median(seconds):10.2f}"
    )
