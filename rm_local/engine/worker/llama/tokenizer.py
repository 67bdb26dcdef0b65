"""Text to tokens and back. What is data never becomes a special token."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp

from rm_local.engine.families.markers import THINK, Markers
from rm_local.engine.worker.templates.chat_template import Segment
from rm_local.engine.worker.templates.marker_escape import Defang

_MARKERS = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
_ANCHOR = "\n"


class Vocab:
    """The vocabulary of a loaded model."""

    def __init__(self, model: Any, told_apart: Markers = THINK) -> None:
        """`told_apart`: what the model's thinking opens and closes with; it is shown."""
        self.markers = told_apart
        self.handle: Any = llama_cpp.llama_model_get_vocab(model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.handle)
        markers = {self._text(token): token for token in range(self.size) if self._marks(token)}
        texts = "".join(told_apart.texts) + told_apart.header_end
        self._shown = {token for text, token in markers.items() if text and text in texts}
        self._defang = Defang([*markers, *told_apart.texts])
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._buffer = ctypes.create_string_buffer(512)
        self._anchor = self._anchor_tokens()
        self.joins_equals = any(b"==" in self._read_piece(n) for n in self._tokens("1==1", False))
        """Whether `==` is written as one token, so that an `=` at a token's end stands alone."""
        self.silent = {t for t in markers.values() if not self._read_piece(t) and not self.ends(t)}
        """Tokens that stand for no text and do not end the turn."""

    def prompt(self, segments: Sequence[Segment]) -> list[int]:
        """The tokens of a rendered template, begun as the model was trained to see it."""
        tokens = [
            token
            for segment in segments
            for token in (self.data(segment.text) if segment.data else self._markup(segment.text))
        ]
        first = llama_cpp.llama_vocab_bos(self.handle)
        if llama_cpp.llama_vocab_get_add_bos(self.handle) and tokens[:1] != [first]:
            tokens.insert(0, first)
        return tokens

    def data(self, text: str) -> list[int]:
        """The tokens of a text in which nothing is special: its markers are broken in two."""
        return [token for part in self._defang.parts(text) for token in self._continue(part, False)]

    def _markup(self, text: str) -> list[int]:
        return self._continue(text, True)

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; control tokens stand for none, but markers do."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token)
        return piece

    def ends(self, token: int) -> bool:
        """Whether the model ends its turn with this token."""
        end = self._ends.get(token)
        if end is None:
            end = self._ends[token] = bool(llama_cpp.llama_vocab_is_eog(self.handle, token))
        return end

    def special_text(self, which: str) -> str:
        """The text of the `bos` or `eos` token; empty when there is none."""
        token = getattr(llama_cpp, f"llama_vocab_{which}")(self.handle)
        return self._text(token) if token != llama_cpp.LLAMA_TOKEN_NULL else ""

    def _continue(self, text: str, special: bool) -> list[int]:
        """Tokens of a text that stands behind another: without the space some vocabularies add."""
        if not self._anchor:
            return self._tokens(text, special)
        tokens = self._tokens(_ANCHOR + text, special)
        found = tokens[: len(self._anchor)] == self._anchor
        return tokens[len(self._anchor) :] if found else self._tokens(text, special)

    def _anchor_tokens(self) -> list[int]:
        """What a line break before a text becomes, if texts get a space in front; else nothing."""
        first = self._tokens("x", False)[:1]
        spaced = bool(first) and self._read_piece(first[0])[:1] == b" "
        return self._tokens(_ANCHOR, False) if spaced else []

    def _tokens(self, text: str, special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self.handle, raw, len(raw), tokens, room, False, special)
        return list(tokens[:count])

    def _text(self, token: int) -> str:
        text = llama_cpp.llama_vocab_get_text(self.handle, token)
        return (text or b"").decode("utf-8", "replace")

    def _marks(self, token: int) -> bool:
        return bool(llama_cpp.llama_vocab_get_attr(self.handle, token) & _MARKERS)

    def _read_piece(self, token: int) -> bytes:
        shown = token in self._shown
        length = llama_cpp.llama_token_to_piece(
            self.handle, token, self._buffer, len(self._buffer), 0, shown
        )
        return self._buffer.raw[: max(length, 0)]
