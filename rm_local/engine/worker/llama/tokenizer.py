"""Converts text to tokens and back; text of users and models never becomes a special token."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp

from rm_local.engine.families.markers import THINK, ThinkingMarkers
from rm_local.engine.worker.templates.chat_template import PromptSegment
from rm_local.engine.worker.templates.marker_split import InsideMarkerSplitter

_MARKERS = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
_ANCHOR = "\n"


class Vocab:
    """The vocabulary of a loaded model: tokenizes text, and returns the texts of tokens."""

    def __init__(self, model: Any, thinking_markers: ThinkingMarkers = THINK) -> None:
        """Read the vocabulary of llama.cpp's handle `model`.

        `thinking_markers`: special tokens whose text is shown in the model's output.
        """
        self.markers = thinking_markers
        self.handle: Any = llama_cpp.llama_model_get_vocab(model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.handle)
        markers = {
            self._read_token_text(token): token
            for token in range(self.size)
            if self._is_special_token(token)
        }
        texts = "".join(thinking_markers.nonempty_marker_texts) + thinking_markers.header_end
        self._shown = {token for text, token in markers.items() if text and text in texts}
        self._escaper = InsideMarkerSplitter([*markers, *thinking_markers.nonempty_marker_texts])
        self._pieces: dict[int, bytes] = {}
        self._end_tokens: dict[int, bool] = {}
        self._buffer = ctypes.create_string_buffer(512)
        self._anchor = self._find_space_preventing_tokens()
        self.joins_equals = any(
            b"==" in self._read_piece(n) for n in self._tokenize_text("1==1", False)
        )
        """Whether `==` is one token; then an `=` at the end of a token is never half of `==`."""
        self.silent = {
            t for t in markers.values() if not self._read_piece(t) and not self.is_end_token(t)
        }
        """Special tokens without text, except those that end the model's turn."""

    def tokenize_prompt(self, segments: Sequence[PromptSegment]) -> list[int]:
        """Tokenize the segments of a prompt; put the BOS token first if the model expects it."""
        tokens = [
            token
            for segment in segments
            for token in (
                self.tokenize_without_special_tokens(segment.text)
                if segment.data
                else self._tokenize_markup(segment.text)
            )
        ]
        first = llama_cpp.llama_vocab_bos(self.handle)
        if llama_cpp.llama_vocab_get_add_bos(self.handle) and tokens[:1] != [first]:
            tokens.insert(0, first)
        return tokens

    def tokenize_without_special_tokens(self, text: str) -> list[int]:
        """Tokenize a text of a user or a file: no marker in it becomes a special token."""
        return [
            token
            for part in self._escaper.split_inside_markers(text)
            for token in self._tokenize_continuation(part, False)
        ]

    def _tokenize_markup(self, text: str) -> list[int]:
        """Tokenize text of the chat template: markers in it become special tokens."""
        return self._tokenize_continuation(text, True)

    def token_to_piece(self, token: int) -> bytes:
        """Return the bytes of a token's text; empty for control tokens except thinking markers."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._read_piece(token)
        return piece

    def is_end_token(self, token: int) -> bool:
        """Return whether the model ends its turn with `token`."""
        end = self._end_tokens.get(token)
        if end is None:
            end = self._end_tokens[token] = bool(llama_cpp.llama_vocab_is_eog(self.handle, token))
        return end

    def get_special_token_text(self, which: str) -> str:
        """Return the text of the token `which`, `bos` or `eos`; empty if there is no such token."""
        token = getattr(llama_cpp, f"llama_vocab_{which}")(self.handle)
        return self._read_token_text(token) if token != llama_cpp.LLAMA_TOKEN_NULL else ""

    def _tokenize_continuation(self, text: str, special: bool) -> list[int]:
        """Tokenize a text that follows other text: without the space that some vocabularies add.

        `special`: whether markers in it become special tokens.
        """
        if not self._anchor:
            return self._tokenize_text(text, special)
        tokens = self._tokenize_text(_ANCHOR + text, special)
        found = tokens[: len(self._anchor)] == self._anchor
        return tokens[len(self._anchor) :] if found else self._tokenize_text(text, special)

    def _find_space_preventing_tokens(self) -> list[int]:
        """Return the tokens of the anchor, a line break that is put before texts and then removed.

        It keeps the vocabulary from adding a space to a text. Empty if it adds no space.
        """
        first = self._tokenize_text("x", False)[:1]
        spaced = bool(first) and self._read_piece(first[0])[:1] == b" "
        return self._tokenize_text(_ANCHOR, False) if spaced else []

    def _tokenize_text(self, text: str, special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self.handle, raw, len(raw), tokens, room, False, special)
        return list(tokens[:count])

    def _read_token_text(self, token: int) -> str:
        """Return a token's text as the vocabulary lists it, also for control tokens."""
        text = llama_cpp.llama_vocab_get_text(self.handle, token)
        return (text or b"").decode("utf-8", "replace")

    def _is_special_token(self, token: int) -> bool:
        """Return whether a token is a control token or a user-defined one, such as a marker."""
        return bool(llama_cpp.llama_vocab_get_attr(self.handle, token) & _MARKERS)

    def _read_piece(self, token: int) -> bytes:
        """Ask llama.cpp for the bytes of a token's text; see `token_to_piece`."""
        shown = token in self._shown
        length = llama_cpp.llama_token_to_piece(
            self.handle, token, self._buffer, len(self._buffer), 0, shown
        )
        return self._buffer.raw[: max(length, 0)]
