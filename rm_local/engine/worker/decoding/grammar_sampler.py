"""What a branch may say: a grammar, followed token by token.

A grammar that is asked about every token of a large vocabulary costs as much as the model. As in
llama.cpp's own programs, a token is drawn as if there were none, and all tokens are looked at only
when the grammar refuses it.
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

from rm_local.engine.constraints.gbnf import check_grammar
from rm_local.engine.families.stream_parser import Splitter
from rm_local.engine.worker.decoding.candidates import Candidates, logits_of
from rm_local.engine.worker.decoding.watchdog import Watchdog
from rm_local.engine.worker.llama.tokenizer import Vocab
from rm_local.errors import EngineError, UsageError

_watchdog = Watchdog(
    3.0, "The grammar can be read in too many ways: llama.cpp did not get through."
)


class Constraint:
    """A grammar at some place of a text. One a branch."""

    def __init__(self, vocab: Vocab, candidates: Candidates, gbnf: str, *, lead: int) -> None:
        """UsageError when llama.cpp does not take the grammar.

        `lead`: tokens of white space that may stand before the answer; they are shown to nobody.
        """
        check_grammar(gbnf)
        self._vocab = vocab
        self._candidates = candidates
        self._lead = lead
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        with _watchdog, _standard_error() as said:
            self._grammar: Any = llama_cpp.llama_sampler_init_grammar(
                vocab.handle, gbnf.encode(), b"root"
            )
        if not self._grammar:
            raise UsageError(
                f"llama.cpp does not take the grammar: {_reason(said)}.",
                "Its form is described in docs/guide/constrained.md.",
            )

    def draw(self, chain: Any, splitter: Splitter, context: Any, row: int) -> int:
        """The next token, from one row of the batch decoded last; `splitter` tells what it is of.

        EngineError when the grammar allows none.
        """
        token: int = llama_cpp.llama_sampler_sample(chain, context, row)
        if not splitter.answering:
            return self._thinking(token, chain, splitter, context, row)
        if self._lead and self._vocab.piece(token).isspace():
            self._lead -= 1
            return token
        self._lead = 0
        with _watchdog:
            return self._answering(token, chain, context, row)

    def close(self) -> None:
        """Free the grammar. More than once is the same as once."""
        if self._grammar:
            llama_cpp.llama_sampler_free(self._grammar)
        self._grammar = None

    def _thinking(self, token: int, chain: Any, splitter: Splitter, context: Any, row: int) -> int:
        """The token, or another where it would close the thinking and begin the answer at once."""
        refused: set[int] = set()
        while splitter.would_answer(self._vocab.piece(token).decode("utf-8", "replace")):
            refused.add(token)
            token = self._other(chain, context, row, None, refused)
        return token

    def _answering(self, token: int, chain: Any, context: Any, row: int) -> int:
        """The token, or another that the grammar allows; the grammar moves on."""
        silent, refused = self._vocab.silent, set[int]()
        allowed = token not in silent and self._candidates.allows(self._grammar, token)
        while not (allowed and self._spells(token)):
            refused.add(token)
            token = self._other(chain, context, row, self._grammar, silent | refused)
            allowed = True
        if not self._vocab.ends(token):
            llama_cpp.llama_sampler_accept(self._grammar, token)
        return token

    def _other(
        self, chain: Any, context: Any, row: int, grammar: Any, without: Collection[int]
    ) -> int:
        logits = logits_of(context, row, self._vocab.size)
        token = self._candidates.draw(logits, chain, grammar=grammar, without=without)
        if token is None:
            raise EngineError(
                "The grammar asks for what this model has no token for.",
                "Allow other characters in it, or take another model.",
            )
        return token

    def _spells(self, token: int) -> bool:
        """Whether the text is still UTF-8 with this token, which is then taken for said.

        llama.cpp takes any byte for the rest of a character if its lower bits are right.
        """
        before = self._utf8.getstate()
        try:
            self._utf8.decode(b"" if self._vocab.ends(token) else self._vocab.piece(token))
        except UnicodeDecodeError:
            self._utf8.setstate(before)
            return False
        return True


@contextmanager
def _standard_error() -> Iterator[list[str]]:
    """What is written to descriptor 2 meanwhile, when the body has ended; it is passed on."""
    said: list[str] = []
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            text = file.read()
            os.write(2, text)
            said += text.decode("utf-8", "replace").splitlines()


def _reason(said: list[str]) -> str:
    """What llama.cpp's parser wrote first, without its prefix and without the grammar's text."""
    first = next((line for line in said if line.strip()), "it did not say why")
    return re.sub(r"^(parse: )?(error parsing grammar: )?", "", first).strip().rstrip(".")[:200]
