"""Samples tokens so that a branch's answer follows a grammar.

To check every token of a large vocabulary against a grammar takes as long as to run the model. As
in llama.cpp's own programs, a token is first sampled without the grammar; other tokens are checked
only if the grammar rejects that token.
"""

from __future__ import annotations

import codecs
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import llama_cpp

from rm_local.engine.constraints.gbnf import check_grammar_is_safe
from rm_local.engine.families.stream_parser import ThinkingSplitter
from rm_local.engine.worker.decoding.candidates import CandidateSampler, view_logits
from rm_local.engine.worker.decoding.watchdog import Watchdog
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.errors import EngineError, UsageError

_watchdog = Watchdog(
    3.0, "The grammar can be read in too many ways: llama.cpp did not finish checking it."
)


class GrammarSampler:
    """Samples the tokens of one branch so that its answer follows a grammar."""

    def __init__(self, vocab: Vocab, candidates: CandidateSampler, gbnf: str, *, lead: int) -> None:
        """Parse the grammar `gbnf`.

        `lead`: maximum number of white-space tokens between thinking and answer, which the grammar
        does not see.

        Raises:
            UsageError: llama.cpp rejects the grammar.
        """
        check_grammar_is_safe(gbnf)
        self._vocab = vocab
        self._candidates = candidates
        self._lead = lead
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        with _watchdog, _record_and_forward_stderr_lines() as lines:
            self._grammar: Any = llama_cpp.llama_sampler_init_grammar(
                vocab.handle, gbnf.encode(), b"root"
            )
        if not self._grammar:
            raise UsageError(
                "llama.cpp does not take the grammar: "
                f"{_extract_parser_message_or_default(lines)}.",
                "See docs/guide/constrained.md for the form of grammars.",
            )

    def sample_token(self, chain: Any, splitter: ThinkingSplitter, context: Any, row: int) -> int:
        """Sample the next token from row `row` of the last decoded batch.

        `chain`: the llama.cpp samplers of the branch. `splitter`: states whether the token belongs
        to the thinking, which is not constrained, or to the answer.

        Raises:
            EngineError: The grammar allows no token of the vocabulary.
        """
        token: int = llama_cpp.llama_sampler_sample(chain, context, row)
        if not splitter.is_in_answer:
            return self._resample_if_answer_starts(token, chain, splitter, context, row)
        if self._lead and self._vocab.token_to_piece(token).isspace():
            self._lead -= 1
            return token
        self._lead = 0
        with _watchdog:
            return self._choose_and_accept_answer_token(token, chain, context, row)

    def close(self) -> None:
        """Free llama.cpp's grammar; further calls have no effect."""
        if self._grammar:
            llama_cpp.llama_sampler_free(self._grammar)
        self._grammar = None

    def _resample_if_answer_starts(
        self, token: int, chain: Any, splitter: ThinkingSplitter, context: Any, row: int
    ) -> int:
        """Return the sampled `token`; if it contains the start of the answer, sample another."""
        refused: set[int] = set()
        while splitter.would_yield_answer_text(
            self._vocab.token_to_piece(token).decode("utf-8", "replace")
        ):
            refused.add(token)
            token = self._sample_other_token(chain, context, row, None, refused)
        return token

    def _choose_and_accept_answer_token(
        self, token: int, chain: Any, context: Any, row: int
    ) -> int:
        """Return `token`, or another one if the grammar rejects it; then advance the grammar."""
        silent, refused = self._vocab.silent, set[int]()
        allowed = token not in silent and self._candidates.is_token_allowed(self._grammar, token)
        while not (allowed and self._add_to_answer_if_utf8(token)):
            refused.add(token)
            token = self._sample_other_token(chain, context, row, self._grammar, silent | refused)
            allowed = True
        if not self._vocab.is_end_token(token):
            llama_cpp.llama_sampler_accept(self._grammar, token)
        return token

    def _sample_other_token(
        self, chain: Any, context: Any, row: int, grammar: Any, excluded: Collection[int]
    ) -> int:
        """Sample a token that the grammar allows, and that is not in `excluded`.

        Raises:
            EngineError: The vocabulary has no such token.
        """
        logits = view_logits(context, row, self._vocab.size)
        token = self._candidates.sample_allowed_token(
            logits, chain, grammar=grammar, excluded=excluded
        )
        if token is None:
            raise EngineError(
                "This model has no token for what the grammar requires.",
                "Allow other characters in it, or choose another model.",
            )
        return token

    def _add_to_answer_if_utf8(self, token: int) -> bool:
        """Return whether the answer with `token` added is valid UTF-8; if so, add the token to it.

        The check is needed because llama.cpp accepts some invalid bytes within a character.
        """
        before = self._utf8.getstate()
        try:
            self._utf8.decode(
                b"" if self._vocab.is_end_token(token) else self._vocab.token_to_piece(token)
            )
        except UnicodeDecodeError:
            self._utf8.setstate(before)
            return False
        return True


@contextmanager
def _record_and_forward_stderr_lines() -> Iterator[list[str]]:
    """Collect the lines that the `with` body writes to descriptor 2 in the list that is yielded.

    The list is filled, and the lines are written to descriptor 2, after the body.
    """
    lines: list[str] = []
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            text = file.read()
            os.write(2, text)
            lines += text.decode("utf-8", "replace").splitlines()


def _extract_parser_message_or_default(lines: list[str]) -> str:
    """Return the first line that is not blank, without the prefix of llama.cpp's grammar parser.

    Without such a line, return `it did not say why`.
    """
    first = next((line for line in lines if line.strip()), "it did not say why")
    return re.sub(r"^(parse: )?(error parsing grammar: )?", "", first).strip().rstrip(".")[:200]
